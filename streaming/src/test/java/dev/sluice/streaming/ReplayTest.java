package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.Readme;
import dev.sluice.settings.Environment;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Replays on a real broker. */
class ReplayTest {
    private static final SparkSession SPARK = Sessions.local();

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
    void run_repeatedLetters_areSentOnceAndAsTheyWere() throws Exception {
        create("repeated", "routed");
        Instant now = Instant.now();
        byte[] bytes = {0, (byte) 0xff, 7};
        for (int i = 0; i < 3; i++) {
            letter("repeated", "malformed", "0", "5", now, "key", bytes);
            letter("repeated", "late", "1", "5", now, null, "late".getBytes(UTF_8));
        }
        letter("routed", "repeated-dead", "future", "1", "5", now, "key", null);
        kafka.store("repeated-dead", now, "no letter");
        kafka.store("repeated-dead", now, "no letter");
        kafka.flush();
        String dry = replay("repeated", Map.of("TOPIC_ROUTES", "r*=routed", "DRY_RUN", "1"));
        assertThat(dry).contains("1 late      to repeated", "1 future    to routed", "nothing is sent");
        assertThat(dry).contains("Left out: 4 repetitions, 2 records that are no letters");
        assertThat(kafka.records("repeated")).isEmpty();

        String said = replay("repeated", Map.of("TOPIC_ROUTES", "r*=routed"));
        assertThat(said).contains("1 malformed to repeated", "Sending 3 records.", "Sent 3 records in");
        List<ConsumerRecord<byte[], byte[]>> sent = kafka.records("repeated");
        assertThat(sent).hasSize(2);
        assertThat(sent).anySatisfy(record -> {
            assertThat(record.value()).isEqualTo(bytes);
            assertThat(record.key()).isEqualTo("key".getBytes(UTF_8));
        });
        assertThat(sent).anySatisfy(record -> {
            assertThat(record.value()).isEqualTo("late".getBytes(UTF_8));
            assertThat(record.key()).isNull();
        });
        assertThat(sent).allMatch(record -> record.timestamp() >= now.toEpochMilli());
        assertThat(kafka.records("routed")).singleElement().satisfies(record -> {
            assertThat(record.value()).isNull();
            assertThat(record.key()).isEqualTo("key".getBytes(UTF_8));
        });
    }

    /** And of no more than that: what else a letter says is of the delivery that failed. */
    @Test
    void run_recordOfATrace_isOfItStill() throws Exception {
        create("traced");
        Map<String, String> trace = Map.of(
                "traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate", "shop=1");
        kafka.store("traced", Instant.now(), null, "traced".getBytes(UTF_8), trace);
        kafka.store("traced", Instant.now(), "not");
        kafka.flush();
        assertThat(count("traced", "11m", 2)).isEqualTo(Map.of("malformed", 2L));
        assertThat(replay("traced", Map.of())).contains("Sent 2 records");
        List<ConsumerRecord<byte[], byte[]>> all = kafka.records("traced");
        assertThat(all).hasSize(4).allSatisfy(record -> assertThat(Kafka.headers(record))
                .isEqualTo(new String(record.value(), UTF_8).equals("traced") ? trace : Map.of()));
    }

    @Test
    void run_rangeAndReasons_choose() throws Exception {
        create("chosen");
        Instant noon = Instant.parse("2026-03-01T12:00:00Z");
        int offset = 0;
        for (String reason : List.of("late", "future", "malformed", "duplicate")) {
            for (long millis : new long[] {-1, 0, 59_999, 60_000}) {
                letter(
                        "chosen",
                        reason,
                        "0",
                        "" + offset++,
                        noon.plusMillis(millis),
                        null,
                        (reason + millis).getBytes(UTF_8));
            }
        }
        kafka.flush();
        replay(
                "chosen",
                Map.of("FROM", "2026-03-01T12:00:00Z", "TO", "2026-03-01T12:01:00Z", "REASON", "future, duplicate"));
        assertThat(values("chosen"))
                .containsExactlyInAnyOrder("future0", "future59999", "duplicate0", "duplicate59999");
        assertThat(replay("chosen", Map.of("FROM", "2026-03-02T12:00:00Z"))).contains("There is nothing to send.");
        assertThat(kafka.records("chosen")).hasSize(4);
    }

    @Test
    void run_topicThatIsNotRead_isRefusedBeforeAnythingIsSent() throws Exception {
        create("read", "gone");
        letter("read", "late", "0", "1", Instant.now(), null, "a".getBytes(UTF_8));
        letter("gone", "read-dead", "late", "0", "1", Instant.now(), null, "a".getBytes(UTF_8));
        kafka.flush();
        assertThatThrownBy(() -> replay("read", Map.of()))
                .hasMessageContaining("topics that are not read (gone)")
                .hasMessageContaining("TOPIC_ROUTES");
        assertThat(kafka.records("read")).isEmpty();
        assertThatThrownBy(() -> replay("missing", Map.of())).hasMessageContaining("there is no topic missing-dead");
    }

    /** A query from the beginning reads what was replayed, and what that was a copy of; a letter again is another one. */
    @Test
    void run_latenessRaised_lateEventsAreCounted() throws Exception {
        create("raised");
        Instant received = Instant.now();
        long anHourAgo = received.minus(Duration.ofHours(1)).toEpochMilli();
        for (int i = 0; i < 5; i++) {
            kafka.store("raised", received, "{\"event_type\":\"a\",\"timestamp\":" + anHourAgo + "}");
        }
        kafka.store("raised", received, "garbage");
        kafka.flush();
        assertThat(count("raised", "10m", 6)).isEqualTo(Map.of("late", 5L, "malformed", 1L));
        assertThat(replay("raised", Map.of())).contains("Sent 6 records");
        assertThat(count("raised", "2h", 12)).containsEntry("counted", 10L).containsEntry("malformed", 2L);
        assertThat(replay("raised", Map.of("REASON", "malformed"))).contains("2 malformed to raised");
    }

    @Test
    void read_severalFaults_namesThemAll() {
        Environment environment = new Environment(Map.of(
                "FROM",
                "yesterday",
                "TO",
                "1969-12-31T00:00:00Z",
                "REASON",
                "late,counted",
                "DRY_RUN",
                "yes",
                "WINDOW",
                "0s"));
        assertThatThrownBy(() -> ReplaySettings.read(environment))
                .hasMessageContaining("FROM=yesterday: must be a time such as")
                .hasMessageContaining("FROM=1970-01-01T00:00:00Z: must be before TO=1969-12-31T00:00:00Z")
                .hasMessageContaining("REASON=late,counted: must be late, future, malformed, duplicate")
                .hasMessageContaining("DRY_RUN=yes")
                .hasMessageContaining("WINDOW=0s")
                .hasMessageContaining("DEAD_LETTER_TOPIC: must name the topic");
    }

    @Test
    void readme_listsEverySettingAndItsDefault() {
        assertThat(Readme.rows("Jobs"))
                .containsExactlyInAnyOrderElementsOf(Stream.of(
                                TimeRange.SETTINGS,
                                ReplaySettings.OWN,
                                RecountSettings.OWN,
                                OffloadSettings.OWN,
                                QuerySettings.OWN)
                        .flatMap(List::stream)
                        .map(Readme::row)
                        .toList());
    }

    private static void create(String topic, String... more) throws Exception {
        kafka.createTopic(topic, Map.of());
        kafka.createTopic(topic + "-dead", Map.of());
        for (String each : more) {
            kafka.createTopic(each, Map.of());
        }
    }

    private static void letter(
            String topic, String reason, String partition, String offset, Instant at, String key, byte[] value) {
        letter(topic, topic + "-dead", reason, partition, offset, at, key, value);
    }

    private static void letter(
            String topic,
            String dead,
            String reason,
            String partition,
            String offset,
            Instant at,
            String key,
            byte[] value) {
        Map<String, String> headers = Map.of(
                DeadLetters.REASON, reason,
                DeadLetters.TOPIC, topic,
                DeadLetters.PARTITION, partition,
                DeadLetters.OFFSET, offset);
        kafka.store(dead, at, key, value, headers);
    }

    private static String replay(String topic, Map<String, String> more) throws Exception {
        Map<String, String> variables = new HashMap<>(Map.of("DEAD_LETTER_TOPIC", topic + "-dead"));
        variables.putAll(more);
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        Replay.run(SPARK, ReplaySettings.read(kafka.environment(topic, variables)), new PrintStream(said, true, UTF_8));
        return said.toString(UTF_8);
    }

    private static List<String> values(String topic) {
        return kafka.records(topic).stream()
                .map(record -> new String(record.value(), UTF_8))
                .toList();
    }

    /** What a query from the beginning says once it has read that many records. */
    private static Map<String, Long> count(String topic, String lateness, long records) throws Exception {
        Map<List<Object>, Long> counts = new ConcurrentHashMap<>();
        Map<String, String> more = Map.of(
                "DEAD_LETTER_TOPIC",
                topic + "-dead",
                "LATENESS",
                lateness,
                "CHECKPOINT_DIR",
                folder.resolve("checkpoint-" + lateness).toString());
        StreamingQuery query = Counting.start(SPARK, Settings.read(kafka.environment(topic, more)), (batch, id) -> {
            for (Row row : batch.collectAsList()) {
                counts.put(List.of(row.get(0), String.valueOf(row.get(1)), row.get(2)), row.getLong(3));
            }
        });
        await().atMost(Duration.ofMinutes(1))
                .until(() -> counts.values().stream().mapToLong(Long::longValue).sum() == records);
        query.stop();
        Map<String, Long> outcomes = new HashMap<>();
        counts.forEach((key, count) -> outcomes.merge((String) key.get(2), count, Long::sum));
        return outcomes;
    }
}
