package dev.sluice.streaming;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import dev.sluice.settings.Environment;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a checkpoint can be continued with, on a real broker; a release's own checkpoint among them, kept beside this test.
 * A release that changes what the query remembers writes it again:
 * {@code ./mvnw -pl events,streaming verify -Dtest='CheckpointTest#write*' -Dcheckpoint.write=true
 * -Dsurefire.failIfNoSpecifiedTests=false}, and refuses the older format by a new number in {@link CheckpointGuard}.
 */
class CheckpointTest {
    private static final SparkSession SPARK = Sessions.local();
    private static final Path KEPT =
            RealBroker.home().resolve("streaming/src/test/resources/dev/sluice/streaming/checkpoint.zip");
    /** When all records of the kept checkpoint were received; its windows stay open, for nothing is late there. */
    private static final long RECEIVED = Instant.parse("2026-01-01T00:00:10Z").toEpochMilli();

    @TempDir
    static Path folder;

    private static RealBroker broker;

    /** The last count for each window, type and outcome. */
    private final Map<List<String>, Long> counts = new ConcurrentHashMap<>();

    @BeforeAll
    static void start() {
        broker = RealBroker.start(folder.resolve("kafka"));
    }

    @AfterAll
    static void stop() {
        broker.close();
    }

    @Test
    @EnabledIfSystemProperty(named = "checkpoint.write", matches = "true")
    void write_checkpointOfThisRelease() throws Exception {
        Map<String, String> variables = released("written");
        createTopic("events-written");
        produceReleased("events-written");
        run(variables);
        zip(folder.resolve("written"), KEPT);
    }

    @Test
    void start_checkpointOfTheRelease_goesOn() throws Exception {
        Map<String, String> variables = released("kept");
        createTopic("events-written");
        produceReleased("events-written");
        unzip(KEPT, folder.resolve("kept"));
        produce("events-written", 0, "{\"event_type\":\"a\"}", "{\"event_type\":\"a\",\"event_id\":\"1\"}");
        produce("events-written", 1, "{\"event_type\":\"b\"}", "{\"event_type\":\"b\",\"event_id\":\"3\"}", "{");
        run(variables);
        String window = "2026-01-01 00:00:00";
        assertThat(counts)
                .containsEntry(List.of(window, "a", "counted"), 5L)
                .containsEntry(List.of(window, "a", "duplicate"), 1L)
                .containsEntry(List.of(window, "b", "counted"), 5L)
                .containsEntry(List.of(window, "-", "malformed"), 2L)
                .hasSize(4);
    }

    @Test
    void start_topicAdded_goesOn_topicGone_fails() throws Exception {
        createTopic("first");
        createTopic("second");
        produce("first", 0, "{\"event_type\":\"a\"}");
        Map<String, String> variables = new HashMap<>(variables("first", "topics"));
        run(variables);
        produce("second", 1, "{\"event_type\":\"b\"}", "{\"event_type\":\"b\"}");
        variables.put("TOPIC_ROUTES", "b=second");
        run(variables);
        assertThat(total("a")).isEqualTo(1);
        assertThat(total("b")).isEqualTo(2);
        variables.remove("TOPIC_ROUTES");
        StreamingQuery without = query(variables);
        await().atMost(Duration.ofMinutes(2)).until(() -> !without.isActive());
        assertThat(without.exception().isDefined()).isTrue();
    }

    /** Why they are refused. */
    @Test
    void start_partitionsAndWindowChanged_isNotNoticedBySpark() throws Exception {
        createTopic("changed");
        produce("changed", 0, "{\"event_type\":\"a\"}");
        Map<String, String> variables = new HashMap<>(variables("changed", "changed"));
        run(variables);
        String shuffle = "spark.sql.shuffle.partitions";
        String before = SPARK.conf().get(shuffle);
        SPARK.conf().set(shuffle, "3");
        try {
            produce("changed", 0, "{\"event_type\":\"a\"}");
            variables.put("WINDOW", "5s");
            StreamingQuery again = run(variables);
            assertThat(again.exception().isDefined()).isFalse();
            assertThat(again.lastProgress().stateOperators()[0].numShufflePartitions())
                    .isEqualTo(Long.parseLong(before));
        } finally {
            SPARK.conf().set(shuffle, before);
        }
        assertThat(counts.keySet().stream().map(key -> key.get(0)).distinct()).hasSizeBetween(1, 2);
    }

    private static Map<String, String> released(String checkpoint) {
        Map<String, String> variables = new HashMap<>(variables("events-written", checkpoint));
        variables.put("LATENESS", "36500d");
        return variables;
    }

    /** Three types of outcome, and an id of each partition. */
    private static void produceReleased(String topic) {
        produce(
                topic,
                0,
                "{\"event_type\":\"a\"}",
                "{\"event_type\":\"a\"}",
                "{\"event_type\":\"a\"}",
                "{\"event_type\":\"a\",\"event_id\":\"1\"}");
        produce(
                topic,
                1,
                "{\"event_type\":\"b\"}",
                "{\"event_type\":\"b\"}",
                "{\"event_type\":\"b\",\"event_id\":\"2\"}",
                "not json");
    }

    private StreamingQuery run(Map<String, String> variables) throws TimeoutException {
        StreamingQuery query = query(variables);
        query.processAllAvailable();
        query.stop();
        return query;
    }

    private StreamingQuery query(Map<String, String> variables) throws TimeoutException {
        Environment environment = new Environment(variables);
        Settings settings = Settings.collect(environment);
        new CheckpointGuard(settings).write(environment);
        environment.check();
        return Counting.start(SPARK, settings, (batch, id) -> keep(batch));
    }

    private void keep(Dataset<Row> batch) {
        for (Row row : batch.selectExpr(
                        "date_format(window.start, 'yyyy-MM-dd HH:mm:ss')",
                        "coalesce(event_type, '-')",
                        "outcome",
                        "count")
                .collectAsList()) {
            counts.put(List.of(row.getString(0), row.getString(1), row.getString(2)), row.getLong(3));
        }
    }

    private long total(String type) {
        return counts.entrySet().stream()
                .filter(entry -> entry.getKey().get(1).equals(type))
                .mapToLong(Map.Entry::getValue)
                .sum();
    }

    private static Map<String, String> variables(String topic, String checkpoint) {
        return Map.of(
                "EVENTS_TOPIC",
                topic,
                "KAFKA_PORT",
                Integer.toString(broker.port()),
                "TRIGGER",
                "100ms",
                "CHECKPOINT_DIR",
                folder.resolve(checkpoint).toString());
    }

    private static void createTopic(String name) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            NewTopic topic = new NewTopic(name, Optional.of(2), Optional.empty()).configs(Map.of("retention.ms", "-1"));
            RealTopics.create(admin, List.of(topic));
        }
    }

    private static void produce(String topic, int partition, String... values) {
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.bootstrapServers()),
                new StringSerializer(),
                new StringSerializer())) {
            for (String value : values) {
                long received = topic.equals("events-written") ? RECEIVED : System.currentTimeMillis();
                producer.send(new ProducerRecord<>(topic, partition, received, null, value))
                        .get(1, TimeUnit.MINUTES);
            }
        } catch (ExecutionException | InterruptedException | TimeoutException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void zip(Path from, Path to) throws IOException {
        Files.createDirectories(Objects.requireNonNull(to.getParent()));
        try (Stream<Path> files = Files.walk(from);
                ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(to))) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                zip.putNextEntry(new ZipEntry(from.relativize(file).toString()));
                zip.write(Files.readAllBytes(file));
                zip.closeEntry();
            }
        }
    }

    private static void unzip(Path from, Path to) throws IOException {
        try (InputStream in = Files.newInputStream(from);
                ZipInputStream zip = new ZipInputStream(in)) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                Path file = to.resolve(entry.getName());
                Files.createDirectories(Objects.requireNonNull(file.getParent()));
                Files.write(file, zip.readAllBytes());
            }
        }
    }
}
