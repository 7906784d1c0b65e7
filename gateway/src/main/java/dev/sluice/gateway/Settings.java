package dev.sluice.gateway;

import dev.sluice.settings.CassandraAddress;
import dev.sluice.settings.Environment;
import dev.sluice.settings.KafkaAddress;
import dev.sluice.settings.Setting;
import dev.sluice.settings.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.kafka.clients.producer.ProducerConfig;

/**
 * What the gateway is started with.
 *
 * @param producer settings of Kafka's producer, ready to hand over
 */
record Settings(
        String httpHost,
        int httpPort,
        String managementHost,
        int managementPort,
        Topics topics,
        KeyPolicy keys,
        Bounds bounds,
        long inFlightBytes,
        int connections,
        Optional<Path> spoolFolder,
        int spoolBytes,
        Duration drainDelay,
        List<String> corsOrigins,
        List<String> webhookOrigins,
        Optional<Path> apiKeysFile,
        Optional<Tls> tls,
        String countsTopic,
        int countsWindows,
        Optional<CassandraAddress> history,
        Map<String, String> producer) {

    static final Setting<String> HTTP_HOST = Setting.text("HTTP_HOST", "0.0.0.0", "address that takes events");
    static final Setting<Integer> HTTP_PORT = Setting.port("HTTP_PORT", "5000", "port that takes events");
    static final Setting<String> MANAGEMENT_HOST =
            Setting.text("MANAGEMENT_HOST", "127.0.0.1", "address of health and metrics; `0.0.0.0` in a container");
    static final Setting<Integer> MANAGEMENT_PORT =
            Setting.port("MANAGEMENT_PORT", "5001", "port of health and metrics; keep it private");
    static final Setting<KeyPolicy> KEY = new Setting<>(
            "RECORD_KEY",
            "none",
            "key of the Kafka records, where order per key matters: `none`, `event_type`, or `params.` and a name",
            "none, event_type, or params. and the name of a field of params",
            KeyPolicy::parse);
    static final Setting<Integer> MAX_EVENT_BYTES =
            Setting.integer("MAX_EVENT_BYTES", "262144", "bytes of one event at most", 64, 1_000_000);
    static final Setting<Integer> MAX_BODY_BYTES =
            Setting.integer("MAX_BODY_BYTES", "2097152", "bytes of one request's body at most", 64, 67_108_864);
    static final Setting<Integer> MAX_INFLATED_BYTES = Setting.integer(
            "MAX_INFLATED_BYTES", "4194304", "bytes of a compressed body at most, inflated", 64, 67_108_864);
    static final Setting<Integer> MAX_BATCH_EVENTS =
            Setting.integer("MAX_BATCH_EVENTS", "10000", "events of one batch at most", 1, 1_000_000);
    // Jackson, the stream job's too, reads no deeper than 1000, and the event itself is one of them
    static final Setting<Integer> MAX_NESTING =
            Setting.integer("MAX_NESTING", "32", "objects and arrays inside one another within a field", 1, 900);
    static final Setting<Duration> BODY_TIMEOUT =
            Setting.duration("BODY_TIMEOUT", "30s", "time for a request's body to arrive");
    static final Setting<Integer> MAX_IN_FLIGHT_BYTES = Setting.integer(
            "MAX_IN_FLIGHT_BYTES",
            "25165824",
            "bytes that all requests together may hold; below Kafka's `buffer.memory`",
            65_536,
            Integer.MAX_VALUE);
    static final Setting<Integer> MAX_CONNECTIONS = Setting.integer(
            "MAX_CONNECTIONS",
            "8192",
            "connections at most; more wait to be accepted, and some ten KiB of memory go with each",
            1,
            1_000_000);
    static final Setting<String> SPOOL_DIR = Setting.text(
            "SPOOL_DIR",
            "",
            "folder on a disk of its own; events that Kafka cannot take are kept there, and still taken");
    static final Setting<Integer> MAX_SPOOL_BYTES = Setting.integer(
            "MAX_SPOOL_BYTES", "1073741824", "bytes that `SPOOL_DIR` may take", Spool.LEAST_BYTES, Integer.MAX_VALUE);
    static final Setting<Duration> DRAIN_DELAY = Setting.duration(
            "DRAIN_DELAY", "1ms", "time between not being ready and closing the port, for load balancers to notice");
    private static final Pattern ORIGIN = Pattern.compile("\\*|[a-z][a-z0-9+.-]*://[^/,\\s]+");
    static final Setting<List<String>> CORS_ORIGINS = Setting.list(
            "CORS_ORIGINS",
            "origins whose pages may send events, `https://shop.example,https://www.example`; `*` for any",
            "an origin such as https://shop.example, or *",
            ORIGIN);
    static final Setting<List<String>> WEBHOOK_ORIGINS = Setting.list(
            "WEBHOOK_ORIGINS",
            "senders of CloudEvents web hooks that get the permission they ask for, `eventgrid.azure.net`; `*` for any",
            "a host name, or *",
            Pattern.compile("\\*|[A-Za-z0-9.-]+"));
    static final Setting<String> API_KEYS_FILE = Setting.text(
            "API_KEYS_FILE",
            "",
            "file of the keys that senders need, read again when it changes; without it, whoever reaches the port may send");
    static final Setting<String> TLS_CERT = Setting.text(
            "TLS_CERT", "", "PEM file of the certificate chain; with `TLS_KEY`, events are taken over HTTPS alone");
    static final Setting<String> TLS_KEY = Setting.text("TLS_KEY", "", "PEM file of the certificate's key, PKCS 8");

    static final Setting<Integer> COUNTS_WINDOWS = Setting.integer(
            "COUNTS_WINDOWS",
            "1440",
            "windows whose counts the private port answers from memory; the oldest go first",
            1,
            100_000);
    static final Setting<History> HISTORY = Setting.choice(
            History.class,
            "COUNTS_HISTORY",
            History.NONE,
            "`cassandra` answers from there what windows that are older had, as streaming has kept it with `SINKS=cassandra`");

    /** Where counts are that are not in memory any more. */
    enum History {
        NONE,
        CASSANDRA
    }

    static final List<Setting<?>> ALL = all();

    static Settings read(Environment environment) {
        String httpHost = environment.get(HTTP_HOST);
        int httpPort = environment.get(HTTP_PORT);
        String managementHost = environment.get(MANAGEMENT_HOST);
        int managementPort = environment.get(MANAGEMENT_PORT);
        if (httpPort == managementPort) {
            environment.problem("HTTP_PORT and MANAGEMENT_PORT are both " + httpPort + ": give each its own");
        }
        Topics topics = Topics.read(environment);
        Settings settings = new Settings(
                httpHost,
                httpPort,
                managementHost,
                managementPort,
                topics,
                environment.get(KEY),
                bounds(environment),
                environment.get(MAX_IN_FLIGHT_BYTES),
                environment.get(MAX_CONNECTIONS),
                Optional.of(environment.get(SPOOL_DIR))
                        .filter(folder -> !folder.isEmpty())
                        .map(Path::of),
                environment.get(MAX_SPOOL_BYTES),
                environment.get(DRAIN_DELAY),
                environment.get(CORS_ORIGINS),
                environment.get(WEBHOOK_ORIGINS),
                Optional.of(environment.get(API_KEYS_FILE))
                        .filter(file -> !file.isEmpty())
                        .map(Path::of),
                Tls.read(environment),
                topics.counts(environment),
                environment.get(COUNTS_WINDOWS),
                environment.get(HISTORY) == History.CASSANDRA
                        ? Optional.of(CassandraAddress.collect(environment))
                        : Optional.empty(),
                ProducerSettings.read(environment, KafkaAddress.read(environment)));
        settings.checkBudget(environment);
        environment.check();
        return settings;
    }

    /** Bytes of the budget that one request may need. */
    long largestRequest() {
        return Budget.REQUEST_BYTES + Budget.COPIES * ((long) bounds.bodyBytes() + bounds.inflatedBytes());
    }

    /** What Kafka's client gives a record until it is acknowledged. */
    Duration deliveryTimeout() {
        return Duration.ofMillis(Long.parseLong(
                Objects.requireNonNull(producer.get(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG), "a default of ours")));
    }

    /** A request that fits its own bounds has to fit the budget, and the budget the producer. */
    private void checkBudget(Environment environment) {
        long largest = (long) Math.ceil(largestRequest() / Budget.PROMISED_SHARE);
        if (inFlightBytes < largest) {
            environment.problem("MAX_IN_FLIGHT_BYTES=" + inFlightBytes + ": must be " + largest
                    + " at least for these MAX_BODY_BYTES and MAX_INFLATED_BYTES");
        }
        long buffer = Long.parseLong(producer.getOrDefault("buffer.memory", "33554432"));
        long both = inFlightBytes + (spoolFolder.isPresent() ? SpoolingPublisher.WINDOW_BYTES : 0);
        if (both > buffer) {
            environment.problem(
                    "MAX_IN_FLIGHT_BYTES=" + inFlightBytes + ": must be below " + (buffer - both + inFlightBytes)
                            + ", what Kafka's buffer leaves for it; raise KAFKA_PRODUCER_BUFFER_MEMORY with it");
        }
    }

    private static Bounds bounds(Environment environment) {
        return new Bounds(
                environment.get(MAX_BODY_BYTES),
                environment.get(MAX_INFLATED_BYTES),
                environment.get(MAX_BATCH_EVENTS),
                environment.get(MAX_EVENT_BYTES),
                environment.get(MAX_NESTING),
                environment.get(BODY_TIMEOUT));
    }

    private static List<Setting<?>> all() {
        List<Setting<?>> all = new ArrayList<>(List.of(
                HTTP_HOST,
                HTTP_PORT,
                MANAGEMENT_HOST,
                MANAGEMENT_PORT,
                KEY,
                MAX_EVENT_BYTES,
                MAX_BODY_BYTES,
                MAX_INFLATED_BYTES,
                MAX_BATCH_EVENTS,
                MAX_NESTING,
                BODY_TIMEOUT,
                MAX_IN_FLIGHT_BYTES,
                MAX_CONNECTIONS,
                SPOOL_DIR,
                MAX_SPOOL_BYTES,
                DRAIN_DELAY,
                CORS_ORIGINS,
                WEBHOOK_ORIGINS,
                API_KEYS_FILE,
                TLS_CERT,
                TLS_KEY,
                COUNTS_WINDOWS,
                HISTORY));
        all.addAll(Topics.SETTINGS);
        all.addAll(KafkaAddress.SETTINGS);
        all.addAll(CassandraAddress.SETTINGS);
        return List.copyOf(all);
    }
}
