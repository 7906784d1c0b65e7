package dev.sluice.streaming;

import dev.sluice.settings.Environment;
import dev.sluice.settings.KafkaAddress;
import dev.sluice.settings.LogFormat;
import dev.sluice.settings.Setting;
import dev.sluice.settings.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerConfig;

/**
 * What the query is started with.
 *
 * @param consumer settings of Kafka's consumer, {@code bootstrap.servers} among them
 * @param deadLetters topic of the records that are not counted
 * @param console whether counts are shown
 * @param counts topic that they are published to
 * @param cassandra where they are kept
 */
record Settings(
        Topics topics,
        Map<String, String> consumer,
        Duration window,
        Duration slide,
        Duration lateness,
        Duration skew,
        Aggregates aggregates,
        Duration trigger,
        Offsets startingOffsets,
        int partitions,
        String checkpoint,
        Optional<String> deadLetters,
        boolean console,
        Optional<String> counts,
        Optional<CassandraSettings> cassandra,
        String group,
        String host,
        int port) {

    /** Where counts go. */
    enum Sink {
        CONSOLE,
        KAFKA,
        CASSANDRA
    }

    /** Where a query without a checkpoint begins. */
    enum Offsets {
        EARLIEST,
        LATEST
    }

    static final String CONSUMER_PREFIX = "KAFKA_CONSUMER_";

    static final Setting<Duration> WINDOW = Setting.duration("WINDOW", "1m", "length of the windows that are counted");
    static final Setting<Optional<Duration>> SLIDE = Setting.optionalDuration(
            "SLIDE",
            "time from the start of a window to the start of the next, of which `WINDOW` is a multiple; by default"
                    + " `WINDOW`, so that none overlap");
    static final Setting<Duration> LATENESS = Setting.duration(
            "LATENESS", "10m", "how much older than its receipt an event may be; an older one is `late`");
    static final Setting<Duration> SKEW =
            Setting.duration("SKEW", "1m", "how much newer than its receipt an event may be; a newer one is `future`");
    private static final Pattern FIELD = Pattern.compile("[^,\\s][^,]{0,199}");
    static final Setting<String> DISTINCT_OF = new Setting<>(
            "DISTINCT_OF",
            "",
            "field of `params` whose distinct values are counted, `user_id`; with a standard error of 1.6 %",
            "the name of a field of params",
            Settings::field);
    static final Setting<String> VALUE_OF = new Setting<>(
            "VALUE_OF",
            "",
            "field of `params` with a number, `price`, of which sum, least, greatest and quantiles are shown; a quantile"
                    + " is that of a rank at most 1.33 % off, in 99 of 100 cases",
            "the name of a field of params",
            Settings::field);
    static final Setting<Duration> TRIGGER = Setting.duration("TRIGGER", "1s", "time between two looks at Kafka");
    static final Setting<Offsets> STARTING_OFFSETS = Setting.choice(
            Offsets.class, "STARTING_OFFSETS", Offsets.EARLIEST, "where a query without a checkpoint begins");
    static final Setting<Integer> PARTITIONS = Setting.integer(
            "PARTITIONS", "2", "partitions of the counts; frozen by the first run on a checkpoint", 1, 10_000);
    static final Setting<String> CHECKPOINT_DIR = Setting.text(
            "CHECKPOINT_DIR",
            ".sluice/checkpoint",
            "folder or URL where the query keeps how far it is; keep it between runs");

    static final Setting<Set<Sink>> SINKS = new Setting<>(
            "SINKS",
            "console",
            "where counts go: `console`, `kafka`, `cassandra`, or several with commas between them",
            "console, kafka, cassandra, or several with commas between them",
            Settings::sinks);

    static final Setting<String> CONSUMER_GROUP = Setting.text(
            "CONSUMER_GROUP",
            "sluice-streaming",
            "consumer group that the query's offsets are copied to after each batch, so that Kafka's own lag tools show"
                    + " it; the query never reads them");
    static final Setting<String> STREAMING_HOST = Setting.text(
            "STREAMING_HOST", "127.0.0.1", "address of streaming's health and metrics; `0.0.0.0` in a container");
    static final Setting<Integer> STREAMING_PORT =
            Setting.port("STREAMING_PORT", "5002", "port of streaming's health and metrics; keep it private");

    static final List<Setting<?>> ALL = all();

    private static final Setting<String> ZOOKEEPER_HOST = Setting.text("ZOOKEEPER_HOST", "", "");
    private static final Setting<String> ZOOKEEPER_PORT = Setting.text("ZOOKEEPER_PORT", "", "");

    /** @throws dev.sluice.settings.SettingsException with all problems */
    static Settings read(Environment environment) {
        Settings settings = collect(environment);
        environment.check();
        return settings;
    }

    /** What is wrong is noted in {@code environment}; the caller may note more, and then has to check it. */
    static Settings collect(Environment environment) {
        Duration window = environment.get(WINDOW);
        Duration slide = environment.get(SLIDE).orElse(window);
        if (window.toMillis() % slide.toMillis() != 0) {
            environment.problem(
                    "SLIDE=" + slide.toMillis() + "ms: WINDOW=" + window.toMillis() + "ms must be a multiple of it");
        }
        Topics topics = Topics.read(environment);
        Set<Sink> sinks = environment.get(SINKS);
        return new Settings(
                topics,
                consumer(environment),
                window,
                slide,
                environment.get(LATENESS),
                environment.get(SKEW),
                new Aggregates(environment.get(DISTINCT_OF), environment.get(VALUE_OF)),
                environment.get(TRIGGER),
                environment.get(STARTING_OFFSETS),
                environment.get(PARTITIONS),
                environment.get(CHECKPOINT_DIR),
                topics.deadLetters(environment),
                sinks.contains(Sink.CONSOLE),
                sinks.contains(Sink.KAFKA) ? Optional.of(topics.counts(environment)) : Optional.empty(),
                sinks.contains(Sink.CASSANDRA) ? Optional.of(CassandraSettings.collect(environment)) : Optional.empty(),
                environment.get(CONSUMER_GROUP),
                environment.get(STREAMING_HOST),
                environment.get(STREAMING_PORT));
    }

    /** The topics that have to be there. */
    Set<String> awaited() {
        Set<String> all = new LinkedHashSet<>(topics.all());
        deadLetters.ifPresent(all::add);
        counts.ifPresent(all::add);
        return all;
    }

    /** What to tell someone who still sets a variable of the prototype; empty for everybody else. */
    static List<String> hints(Environment environment) {
        return environment.isSet(ZOOKEEPER_HOST) || environment.isSet(ZOOKEEPER_PORT)
                ? List.of(
                        "ZOOKEEPER_HOST and ZOOKEEPER_PORT are not used: Kafka is found by KAFKA_HOST and KAFKA_PORT, or"
                                + " KAFKA_BOOTSTRAP_SERVERS.")
                : List.of();
    }

    private static Map<String, String> consumer(Environment environment) {
        Map<String, String> consumer = new HashMap<>();
        // fetching is half of the source's cost at its defaults
        consumer.put("max.poll.records", "100000");
        consumer.put("receive.buffer.bytes", "1048576");
        // what a batch reads is there already; and Spark asks for offsets behind each fetch, on a connection on which
        // Kafka
        // answers nothing before the next fetch, that for records yet to come, has waited this long
        consumer.put("fetch.max.wait.ms", "5");
        consumer.putAll(environment.properties(CONSUMER_PREFIX, ConsumerConfig.configNames()));
        consumer.put("bootstrap.servers", KafkaAddress.read(environment));
        return Map.copyOf(consumer);
    }

    private static Set<Sink> sinks(String text) {
        return Arrays.stream(text.split(","))
                .map(name -> Sink.valueOf(name.strip().toUpperCase(Locale.ROOT)))
                .collect(Collectors.toUnmodifiableSet());
    }

    private static String field(String text) {
        if (!text.isEmpty() && !FIELD.matcher(text).matches()) {
            throw new IllegalArgumentException(text);
        }
        return text;
    }

    private static List<Setting<?>> all() {
        List<Setting<?>> all = new ArrayList<>(List.of(
                WINDOW,
                SLIDE,
                LATENESS,
                SKEW,
                DISTINCT_OF,
                VALUE_OF,
                TRIGGER,
                STARTING_OFFSETS,
                PARTITIONS,
                CHECKPOINT_DIR,
                SINKS,
                CONSUMER_GROUP,
                STREAMING_HOST,
                STREAMING_PORT));
        all.add(LogFormat.SETTING);
        all.add(Topics.DEAD_LETTERS);
        all.addAll(Topics.SETTINGS);
        all.addAll(KafkaAddress.SETTINGS);
        all.addAll(CassandraSettings.ALL);
        return List.copyOf(all);
    }
}
