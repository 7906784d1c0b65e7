package dev.sluice.gateway;

import dev.sluice.settings.CassandraAddress;
import dev.sluice.settings.Environment;
import dev.sluice.settings.KafkaAddress;
import dev.sluice.settings.LogFormat;
import dev.sluice.settings.Setting;
import dev.sluice.settings.Topics;
import java.net.URI;
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
 * @param tracing as {@link Tracing#read} gives it
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
        ConnectionLimit.Most connections,
        Optional<Path> spoolFolder,
        int spoolBytes,
        Duration drainDelay,
        List<String> corsOrigins,
        List<String> webhookOrigins,
        Optional<Path> apiKeysFile,
        Optional<Tokens.Issuer> tokens,
        Optional<Tls> tls,
        Quotas quotas,
        String countsTopic,
        int countsWindows,
        AccessLog.Format accessLog,
        Optional<CassandraAddress> history,
        Optional<Map<String, String>> tracing,
        Map<String, String> producer) {

    static final Setting<String> HTTP_HOST = Setting.text(
            "HTTP_HOST",
            "",
            "address that takes events; by default `0.0.0.0` where senders are known by something or `AUTH=none`, and `127.0.0.1` otherwise");
    private static final Pattern LOOPBACK = Pattern.compile("localhost|127(\\.\\d{1,3}){3}|::1|\\[::1]");
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
    static final Setting<Integer> MAX_PEER_CONNECTIONS = Setting.integer(
            "MAX_PEER_CONNECTIONS",
            "4096",
            "connections of one address at most, or of one IPv6 network (/64); others of it are closed at once",
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
            "file of the keys that senders are known by, as `make api-key` writes it; read again when it changes");
    static final Setting<String> JWT_KEYS = Setting.text(
            "JWT_KEYS",
            "",
            "file or `https://` URL of the JWK set that signs the tokens senders are known by; read again when it changes, a URL each minute");
    static final Setting<String> JWT_ISSUER = Setting.text("JWT_ISSUER", "", "`iss` of those tokens; with `JWT_KEYS`");
    static final Setting<String> JWT_AUDIENCE =
            Setting.text("JWT_AUDIENCE", "", "what `aud` of those tokens holds; with `JWT_KEYS`");
    static final Setting<Auth> AUTH = Setting.choice(
            Auth.class,
            "AUTH",
            Auth.REQUIRED,
            "`none` lets whoever reaches `HTTP_HOST` send; otherwise senders are known by a key, a token or a certificate, or are on the same machine");
    static final Setting<Integer> QUOTA_EVENTS = Setting.integer(
            "QUOTA_EVENTS",
            "0",
            "events a second of each sender whose key says nothing else, on each gateway; 0 for any number",
            0,
            Integer.MAX_VALUE);
    static final Setting<Integer> QUOTA_BYTES = Setting.integer(
            "QUOTA_BYTES",
            "0",
            "bytes of bodies a second of each such sender, inflated; 0 for any number",
            0,
            Integer.MAX_VALUE);
    static final Setting<String> TLS_CERT = Setting.text(
            "TLS_CERT", "", "PEM file of the certificate chain; with `TLS_KEY`, events are taken over HTTPS alone");
    static final Setting<String> TLS_KEY = Setting.text("TLS_KEY", "", "PEM file of the certificate's key, PKCS 8");
    static final Setting<String> TLS_CLIENT_CA = Setting.text(
            "TLS_CLIENT_CA",
            "",
            "PEM file of the certificates that sign those of senders, who are known by them then; all three are read again when they change");

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

    static final Setting<AccessLog.Format> ACCESS_LOG = Setting.choice(
            AccessLog.Format.class,
            "ACCESS_LOG",
            AccessLog.Format.NONE,
            "`combined` writes a line of each request to the log, in NCSA's combined format, without its query");

    /** Whether senders have to be known. */
    enum Auth {
        REQUIRED,
        NONE
    }

    /** Where counts are that are not in memory any more. */
    enum History {
        NONE,
        CASSANDRA
    }

    static final List<Setting<?>> ALL = all();

    static Settings read(Environment environment) {
        int httpPort = environment.get(HTTP_PORT);
        String managementHost = environment.get(MANAGEMENT_HOST);
        int managementPort = environment.get(MANAGEMENT_PORT);
        if (httpPort == managementPort) {
            environment.problem("HTTP_PORT and MANAGEMENT_PORT are both " + httpPort + ": give each its own");
        }
        Topics topics = Topics.read(environment);
        Optional<Path> apiKeysFile = Optional.of(environment.get(API_KEYS_FILE))
                .filter(file -> !file.isEmpty())
                .map(Path::of);
        Optional<Tokens.Issuer> tokens = tokens(environment);
        Optional<Tls> tls = Tls.read(environment);
        boolean known = apiKeysFile.isPresent() || environment.isSet(JWT_KEYS) || environment.isSet(TLS_CLIENT_CA);
        Settings settings = new Settings(
                httpHost(environment, known),
                httpPort,
                managementHost,
                managementPort,
                topics,
                environment.get(KEY),
                bounds(environment),
                environment.get(MAX_IN_FLIGHT_BYTES),
                new ConnectionLimit.Most(environment.get(MAX_CONNECTIONS), environment.get(MAX_PEER_CONNECTIONS)),
                Optional.of(environment.get(SPOOL_DIR))
                        .filter(folder -> !folder.isEmpty())
                        .map(Path::of),
                environment.get(MAX_SPOOL_BYTES),
                environment.get(DRAIN_DELAY),
                environment.get(CORS_ORIGINS),
                environment.get(WEBHOOK_ORIGINS),
                apiKeysFile,
                tokens,
                tls,
                new Quotas(environment.get(QUOTA_EVENTS), environment.get(QUOTA_BYTES)),
                topics.counts(environment),
                environment.get(COUNTS_WINDOWS),
                environment.get(ACCESS_LOG),
                environment.get(HISTORY) == History.CASSANDRA
                        ? Optional.of(CassandraAddress.collect(environment))
                        : Optional.empty(),
                Tracing.read(environment),
                ProducerSettings.read(environment, KafkaAddress.read(environment)));
        settings.checkBudget(environment);
        LogFormat.of(environment); // the log has it before this; only here can a wrong one end the start
        environment.check();
        return settings;
    }

    /**
     * Nobody from another machine sends without being known, unless that was meant.
     *
     * @param known whether there is something to know senders by
     */
    private static String httpHost(Environment environment, boolean known) {
        boolean open = environment.get(AUTH) == Auth.NONE;
        String host = environment.get(HTTP_HOST);
        if (open && known) {
            environment.problem(
                    "AUTH=none: senders are to be known by API_KEYS_FILE, JWT_KEYS or TLS_CLIENT_CA; unset one or the other");
        }
        if (host.isEmpty()) {
            return open || known ? "0.0.0.0" : "127.0.0.1";
        }
        if (!open && !known && !LOOPBACK.matcher(host).matches()) {
            environment.problem("HTTP_HOST=" + host + ": whoever reaches it could send events; set API_KEYS_FILE (make"
                    + " api-key writes it), JWT_KEYS or TLS_CLIENT_CA, or AUTH=none if that is meant");
        }
        return host;
    }

    private static Optional<Tokens.Issuer> tokens(Environment environment) {
        String keys = environment.get(JWT_KEYS);
        String issuer = environment.get(JWT_ISSUER);
        String audience = environment.get(JWT_AUDIENCE);
        if (keys.isEmpty() != issuer.isEmpty() || keys.isEmpty() != audience.isEmpty()) {
            environment.problem("JWT_KEYS, JWT_ISSUER and JWT_AUDIENCE go together: set all three, or none");
        }
        if (keys.startsWith("http:") && !LOOPBACK.matcher(host(keys)).matches()) {
            environment.problem("JWT_KEYS=" + keys + ": must be https, or who is on the way says who may send");
        }
        return keys.isEmpty() ? Optional.empty() : Optional.of(new Tokens.Issuer(keys, issuer, audience));
    }

    private static String host(String url) {
        try {
            return String.valueOf(URI.create(url).getHost());
        } catch (IllegalArgumentException e) {
            return url;
        }
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
                MAX_PEER_CONNECTIONS,
                SPOOL_DIR,
                MAX_SPOOL_BYTES,
                DRAIN_DELAY,
                CORS_ORIGINS,
                WEBHOOK_ORIGINS,
                AUTH,
                API_KEYS_FILE,
                JWT_KEYS,
                JWT_ISSUER,
                JWT_AUDIENCE,
                TLS_CERT,
                TLS_KEY,
                TLS_CLIENT_CA,
                QUOTA_EVENTS,
                QUOTA_BYTES,
                COUNTS_WINDOWS,
                HISTORY,
                ACCESS_LOG));
        all.add(LogFormat.SETTING);
        all.addAll(Topics.SETTINGS);
        all.addAll(KafkaAddress.SETTINGS);
        all.addAll(CassandraAddress.SETTINGS);
        return List.copyOf(all);
    }
}
