package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.events.CountRecord;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.apache.spark.sql.streaming.StreamingQueryListener;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a real broker. */
class CountsTopicTest {
    private static final SparkSession SPARK = Sessions.local();
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final Map<String, String> COMPACTED = Map.of("cleanup.policy", "compact");

    @TempDir
    static Path folder;

    private static Kafka kafka;

    @BeforeAll
    static void start() {
        kafka = new Kafka(folder);
    }

    @AfterAll
    static void stop() {
        kafka.close();
    }

    @Test
    void counts_ofAQuery_areThereOnce_asTheyAreNow_andFinalBehindTheWatermark() throws Exception {
        kafka.createTopic("clicks", Map.of());
        kafka.createTopic("click-counts", COMPACTED);
        Settings settings = settings("clicks", "click-counts");
        Instant window = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        store(window, 3);
        Metrics metrics = new Metrics();
        Health health = new Health(Duration.ofMinutes(1), System::nanoTime);
        OffsetMirror mirror = new OffsetMirror(settings.group(), settings.consumer());
        try (Sinks sinks = Sinks.open(settings, 0, metrics, health)) {
            StreamingQueryListener listener = new ProgressListener(SPARK, metrics, health, mirror, sinks::tell);
            SPARK.streams().addListener(listener);
            StreamingQuery query = Counting.start(SPARK, settings, sinks);
            try {
                awaitCount(window, 3);
                store(window, 4);
                awaitCount(window, 7);
                JsonNode count = read("click-counts").get(key(window, "counted", "a"));
                assertThat(count.get(CountRecord.WINDOW_START).asText()).isEqualTo(window.toString());
                assertThat(count.get(CountRecord.WINDOW_END).asText())
                        .isEqualTo(window.plusSeconds(1).toString());
                assertThat(count.get(CountRecord.EVENT_TYPE).asText()).isEqualTo("a");
                assertThat(count.get(CountRecord.BATCH).asLong()).isPositive();
                JsonNode malformed = read("click-counts").get(key(window, "malformed", ""));
                assertThat(malformed.get(CountRecord.COUNT).asLong()).isEqualTo(2);
                assertThat(malformed.has(CountRecord.EVENT_TYPE)).isFalse();
                await().atMost(PATIENCE).untilAsserted(() -> assertThat(partitionsFinalAt(window.plusSeconds(1)))
                        .hasSize(Kafka.PARTITIONS));
                JsonNode progress = read("click-counts").get(CountRecord.PROGRESS);
                assertThat(progress.get(CountRecord.RECORDS).asLong()).isEqualTo(9);
                assertThat(progress.get(CountRecord.OUTCOMES))
                        .isEqualTo(JSON.readTree(
                                "{\"counted\":7,\"late\":0,\"future\":0,\"malformed\":2,\"duplicate\":0}"));
                assertThat(progress.get(CountRecord.LAG_RECORDS).asLong()).isZero();
                assertThat(Instant.parse(
                                progress.get(CountRecord.COMPLETE_UNTIL).asText()))
                        .isBetween(window, Instant.now());
                assertThat(progress.get(CountRecord.WINDOW_MILLIS).asLong()).isEqualTo(1_000);
            } finally {
                query.stop();
                SPARK.streams().removeListener(listener);
            }
        }
    }

    @Test
    void call_byAProcessTakenForDead_writesNothing() throws Exception {
        kafka.createTopic("counts-of-two", COMPACTED);
        Settings settings = settings("clicks", "counts-of-two");
        try (CountsTopic first = new CountsTopic("counts-of-two", settings);
                CountsTopic second = new CountsTopic("counts-of-two", settings)) {
            first.call(counts(1), 1L);
            second.call(counts(2), 2L);
            assertThatThrownBy(() -> first.call(counts(1), 1L))
                    .hasRootCauseInstanceOf(ProducerFencedException.class)
                    .hasMessageContaining("another streaming with the transactional id sluice-streaming-counts");
            second.call(counts(2), 2L);
        }
        assertThat(read("counts-of-two").values().stream()
                        .map(count -> count.get(CountRecord.COUNT).asLong()))
                .containsExactly(2L);
    }

    @Test
    void check_topicThatIsNotCompacted_isRefused() throws Exception {
        kafka.createTopic("kept", Map.of());
        assertThatThrownBy(() -> new CountsTopic("kept", settings("clicks", "kept")).check())
                .hasMessageContaining("COUNTS_TOPIC=kept: has cleanup.policy=delete and must be compacted");
    }

    private static Dataset<Row> counts(long count) {
        return SPARK.sql("SELECT named_struct('start', timestamp'2026-11-24T06:50:00Z', 'end',"
                + " timestamp'2026-11-24T06:51:00Z') AS window, 'a' AS event_type, 'counted' AS outcome, " + count
                + "L AS count");
    }

    private static void store(Instant received, int events) throws Exception {
        for (int i = 0; i < events; i++) {
            kafka.store("clicks", received, "{\"event_type\":\"a\"}");
        }
        kafka.store("clicks", received, "no event");
        kafka.flush();
    }

    private static void awaitCount(Instant window, long count) {
        await().atMost(PATIENCE).untilAsserted(() -> {
            JsonNode record = read("click-counts").get(key(window, "counted", "a"));
            assertThat((Object) record).isNotNull();
            assertThat(record.get(CountRecord.COUNT).asLong()).isEqualTo(count);
        });
    }

    private static String key(Instant window, String outcome, String type) {
        return CountRecord.key(window.toString(), window.plusSeconds(1).toString(), outcome, type);
    }

    /** What each key says last. */
    private static Map<String, JsonNode> read(String topic) throws Exception {
        Map<String, JsonNode> counts = new HashMap<>();
        for (ConsumerRecord<byte[], byte[]> record : kafka.records(topic)) {
            String key = new String(record.key(), UTF_8);
            if (!key.equals(CountRecord.WATERMARK)) {
                counts.put(key, JSON.readTree(record.value()));
            }
        }
        return counts;
    }

    private static Set<Integer> partitionsFinalAt(Instant end) throws Exception {
        Set<Integer> partitions = new HashSet<>();
        for (ConsumerRecord<byte[], byte[]> record : kafka.records("click-counts")) {
            if (new String(record.key(), UTF_8).equals(CountRecord.WATERMARK)
                    && !Instant.parse(JSON.readTree(record.value())
                                    .get(CountRecord.WATERMARK)
                                    .asText())
                            .isBefore(end)) {
                partitions.add(record.partition());
            }
        }
        return partitions;
    }

    private static Settings settings(String events, String counts) {
        return Settings.read(kafka.environment(
                events, Map.of("SINKS", "kafka", "COUNTS_TOPIC", counts, "WINDOW", "1s", "LATENESS", "30s")));
    }
}
