package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.spark.api.java.function.VoidFunction2;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Dead letters of a query on a real broker. */
class DeadLettersTest {
    private static final SparkSession SPARK = Sessions.local();
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final byte[] GARBAGE = {0, (byte) 0xff, '{', 10};

    private static final String TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    @TempDir
    static Path folder;

    private static Kafka kafka;

    /** The last count for each window, type and outcome. */
    private final Map<List<Object>, Long> counts = new ConcurrentHashMap<>();

    @BeforeAll
    static void start() {
        kafka = new Kafka(folder);
    }

    /** A query of a test that failed would fail all others, for the name is taken. */
    @AfterEach
    void stopQueries() throws Exception {
        for (StreamingQuery query : SPARK.streams().active()) {
            query.stop();
        }
    }

    @AfterAll
    static void stop() {
        kafka.close();
    }

    @Test
    void start_recordsOfEachOutcome_thoseNotCountedAreLetters() throws Exception {
        create("each");
        Instant received = Instant.now().truncatedTo(ChronoUnit.MILLIS);
        String late = event("a", "", received.minus(Duration.ofDays(1)));
        String future = event("b", "7", received.plus(Duration.ofDays(1)));
        kafka.store("each", received, event("a", "1", received));
        kafka.store("each", received, event("a", "", received));
        kafka.store("each", received, "the key", late.getBytes(UTF_8));
        kafka.store("each", received, future);
        kafka.store("each", received, null, GARBAGE);
        kafka.store("each", received, "no value", null);
        kafka.store(
                "each",
                received.plusMillis(5),
                "again",
                event("a", "1", received).getBytes(UTF_8));
        kafka.flush();
        StreamingQuery query = start("each", on("each"), this::keep);
        await().atMost(PATIENCE).until(() -> total() == 7);
        query.stop();

        Map<String, ConsumerRecord<byte[], byte[]>> sources = bySource(kafka.records("each"));
        List<ConsumerRecord<byte[], byte[]>> letters = kafka.records("each-dead");
        assertThat(letters).hasSize(5);
        for (ConsumerRecord<byte[], byte[]> letter : letters) {
            Map<String, String> headers = Kafka.headers(letter);
            ConsumerRecord<byte[], byte[]> source = sources.get(place(letter));
            assertThat(letter.value()).isEqualTo(source.value());
            assertThat(letter.key()).isEqualTo(source.key());
            assertThat(headers)
                    .containsEntry("sluice-topic", "each")
                    .containsEntry("sluice-received", Long.toString(source.timestamp()))
                    .hasSize(5);
            assertThat(Instant.ofEpochMilli(letter.timestamp()))
                    .isBetween(received, Instant.now().plusSeconds(1));
        }
        assertThat(reasons(letters)).isEqualTo(Map.of("late", 1L, "future", 1L, "malformed", 2L, "duplicate", 1L));
        assertThat(letterOf(letters, "duplicate").key()).isEqualTo("again".getBytes(UTF_8));
        assertThat(letterOf(letters, "late").value()).isEqualTo(late.getBytes(UTF_8));
        assertThat(letterOf(letters, "future").value()).isEqualTo(future.getBytes(UTF_8));
    }

    /** Of its own headers none but those of a trace: what is replayed is to be the same event, not the same delivery. */
    @Test
    void start_recordsOfATrace_theirLettersAreOfIt() throws Exception {
        create("traced");
        Instant received = Instant.now();
        Map<String, String> trace = Map.of("traceparent", TRACEPARENT, "tracestate", "shop=1");
        String late = event("late", "", received.minus(Duration.ofDays(1)));
        kafka.store("traced", received, null, late.getBytes(UTF_8), with(trace, "other", "x"));
        kafka.store("traced", received, null, GARBAGE, Map.of("traceparent", TRACEPARENT));
        kafka.store("traced", received, null, "none".getBytes(UTF_8), Map.of("other", "x"));
        kafka.store("traced", received, null, event("a", "1", received).getBytes(UTF_8), Map.of());
        String again = event("again", "1", received);
        kafka.store("traced", received.plusMillis(5), null, again.getBytes(UTF_8), trace);
        kafka.flush();
        StreamingQuery query = start("traced", on("traced"), this::keep);
        await().atMost(PATIENCE).until(() -> total() == 5);
        query.stop();

        Map<String, Map<String, String>> letters = new HashMap<>();
        for (ConsumerRecord<byte[], byte[]> letter : kafka.records("traced-dead")) {
            Map<String, String> own = Kafka.headers(letter);
            own.keySet().removeIf(name -> name.startsWith("sluice-"));
            letters.put(new String(letter.value(), UTF_8), own);
        }
        assertThat(letters)
                .isEqualTo(Map.of(
                        late,
                        trace,
                        new String(GARBAGE, UTF_8),
                        Map.of("traceparent", TRACEPARENT),
                        "none",
                        Map.of(),
                        again,
                        trace));
    }

    private static Map<String, String> with(Map<String, String> headers, String name, String value) {
        Map<String, String> more = new HashMap<>(headers);
        more.put(name, value);
        return more;
    }

    /** The letters of a batch are stored before the batch is done: one tried again may repeat them, and lacks none. */
    @Test
    void start_batchTriedAgain_everyLetterIsThereAtLeastOnce() throws Exception {
        create("again");
        Instant received = Instant.now();
        for (int i = 0; i < 3_000; i++) {
            kafka.store("again", received, null, GARBAGE);
            // of those received at once one is counted, and the same one when it is tried again
            kafka.store("again", received, event("a", Integer.toString(i % 1_000), received));
        }
        kafka.flush();
        StreamingQuery failing = start("again", on("again"), (batch, id) -> {
            batch.collectAsList();
            throw new IllegalStateException("the sink is full");
        });
        await().atMost(PATIENCE).until(() -> !failing.isActive());
        assertThat(places(kafka.records("again-dead"))).hasSize(5_000);
        StreamingQuery second = start("again", on("again"), this::keep);
        await().atMost(PATIENCE).until(() -> total() == 6_000);
        second.stop();
        List<ConsumerRecord<byte[], byte[]>> letters = kafka.records("again-dead");
        assertThat(places(letters)).hasSize(5_000);
        assertThat(reasons(letters)).isEqualTo(Map.of("malformed", 6_000L, "duplicate", 4_000L));
    }

    @Test
    void start_topicThatTakesNone_failsWithItsName_andLosesNothing() throws Exception {
        kafka.createTopic("refused", Map.of());
        kafka.createTopic("refused-dead", Map.of("max.message.bytes", "20000"));
        Instant received = Instant.now();
        for (int i = 0; i < 20; i++) {
            kafka.store("refused", received, "x".repeat(i == 7 ? 50_000 : 50));
        }
        kafka.flush();
        StreamingQuery failing = start("refused", on("refused"), this::keep);
        await().atMost(PATIENCE).until(() -> !failing.isActive());
        assertThat(rootCause(failing.exception().get()))
                .hasMessageContaining("refused-dead")
                .hasMessageContaining("RecordTooLargeException")
                .hasMessageContaining("max.message.bytes");
        assertThat(counts).isEmpty();

        try (Admin admin = kafka.admin()) {
            AlterConfigOp larger =
                    new AlterConfigOp(new ConfigEntry("max.message.bytes", "100000"), AlterConfigOp.OpType.SET);
            admin.incrementalAlterConfigs(
                            Map.of(new ConfigResource(ConfigResource.Type.TOPIC, "refused-dead"), Set.of(larger)))
                    .all()
                    .get(60, TimeUnit.SECONDS);
        }
        StreamingQuery second = start("refused", on("refused"), this::keep);
        await().atMost(PATIENCE).until(() -> total() == 20);
        second.stop();
        assertThat(places(kafka.records("refused-dead"))).hasSize(20);
    }

    @Test
    void start_switchedOnAndOff_goesOnFromTheSameCheckpoint() throws Exception {
        create("switched");
        Instant received = Instant.now();
        for (Map<String, String> letters :
                List.of(Map.<String, String>of(), on("switched"), Map.<String, String>of())) {
            long before = total();
            kafka.store("switched", received, event("a", "1", received));
            kafka.store("switched", received, null, GARBAGE);
            kafka.flush();
            StreamingQuery query = start("switched", letters, this::keep);
            await().atMost(PATIENCE).until(() -> total() == before + 2);
            // or the batch would be tried again by the next query
            query.processAllAvailable();
            query.stop();
        }
        // the first of the id was counted before there were letters
        assertThat(reasons(kafka.records("switched-dead"))).isEqualTo(Map.of("malformed", 1L, "duplicate", 1L));
    }

    /** More of one id than is held at once, and more bytes than the producer holds. */
    @Test
    void start_manyLargeDuplicates_areAllLetters() throws Exception {
        create("large");
        Instant received = Instant.now();
        String large = event("a", "1", received).replace("}", ",\"params\":{\"p\":\"" + "x".repeat(100_000) + "\"}}");
        for (int i = 0; i < 400; i++) {
            kafka.store("large", received, large);
        }
        kafka.flush();
        StreamingQuery query = start("large", on("large"), this::keep);
        await().atMost(PATIENCE).until(() -> total() == 400);
        query.stop();
        List<ConsumerRecord<byte[], byte[]>> letters = kafka.records("large-dead");
        assertThat(places(letters)).hasSize(399);
        assertThat(letters).allMatch(letter -> Arrays.equals(letter.value(), large.getBytes(UTF_8)));
    }

    @Test
    void tally_withoutDeadLetters_takesAndGivesNoMore() {
        Duration minute = Duration.ofMinutes(1);
        Tally without = new Tally(minute, minute, minute, Aggregates.NONE, DeadLetters.NONE);
        assertThat(without.record()).containsExactly("value", "timestamp", "partition", "offset");
        assertThat(without.row()).isEqualTo(Tally.ROW);
    }

    @Test
    void producer_consumersSettings_areThoseThatLetItIn() {
        assertThat(DeadLetters.producer(Map.of(
                        "bootstrap.servers", "kafka:9093",
                        "security.protocol", "SASL_SSL",
                        "sasl.mechanism", "PLAIN",
                        "ssl.truststore.location", "/trust",
                        "max.poll.records", "5",
                        "receive.buffer.bytes", "7",
                        "group.id", "g")))
                .containsEntry("bootstrap.servers", "kafka:9093")
                .containsEntry("security.protocol", "SASL_SSL")
                .containsEntry("sasl.mechanism", "PLAIN")
                .containsEntry("ssl.truststore.location", "/trust")
                .containsEntry("acks", "all")
                .containsEntry("enable.idempotence", "true")
                .doesNotContainKeys("max.poll.records", "receive.buffer.bytes", "group.id");
    }

    private static void create(String topic) throws Exception {
        kafka.createTopic(topic, Map.of());
        kafka.createTopic(topic + "-dead", Map.of());
    }

    private static Map<String, String> on(String topic) {
        return Map.of("DEAD_LETTER_TOPIC", topic + "-dead");
    }

    private static StreamingQuery start(String topic, Map<String, String> more, VoidFunction2<Dataset<Row>, Long> sink)
            throws Exception {
        return Counting.start(SPARK, Settings.read(kafka.environment(topic, more)), sink);
    }

    private void keep(Dataset<Row> batch, Long id) {
        for (Row row : batch.selectExpr("window.start", "coalesce(event_type, '-')", "outcome", "count")
                .collectAsList()) {
            counts.put(List.of(row.getTimestamp(0), row.getString(1), row.getString(2)), row.getLong(3));
        }
    }

    private long total() {
        return counts.values().stream().mapToLong(Long::longValue).sum();
    }

    private static String event(String type, String id, Instant timestamp) {
        String key = id.isEmpty() ? "" : ",\"event_id\":\"" + id + "\"";
        return "{\"event_type\":\"" + type + "\"" + key + ",\"timestamp\":" + timestamp.toEpochMilli() + "}";
    }

    private static Map<String, ConsumerRecord<byte[], byte[]>> bySource(List<ConsumerRecord<byte[], byte[]>> records) {
        Map<String, ConsumerRecord<byte[], byte[]>> sources = new HashMap<>();
        records.forEach(record -> sources.put(record.partition() + "@" + record.offset(), record));
        return sources;
    }

    private static String place(ConsumerRecord<byte[], byte[]> letter) {
        Map<String, String> headers = Kafka.headers(letter);
        return headers.get("sluice-partition") + "@" + headers.get("sluice-offset");
    }

    private static Set<String> places(List<ConsumerRecord<byte[], byte[]>> letters) {
        Set<String> places = new HashSet<>();
        letters.forEach(letter -> places.add(place(letter)));
        return places;
    }

    private static Map<String, Long> reasons(List<ConsumerRecord<byte[], byte[]>> letters) {
        return letters.stream()
                .collect(Collectors.groupingBy(
                        letter -> Kafka.headers(letter).get("sluice-reason"), Collectors.counting()));
    }

    private static ConsumerRecord<byte[], byte[]> letterOf(
            List<ConsumerRecord<byte[], byte[]>> letters, String reason) {
        return letters.stream()
                .filter(letter -> Kafka.headers(letter).get("sluice-reason").equals(reason))
                .findFirst()
                .orElseThrow();
    }

    private static Throwable rootCause(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }
}
