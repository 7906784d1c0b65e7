package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.settings.Environment;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Backfills on a real broker, against what the query said. */
class BackfillTest {
    private static final SparkSession SPARK = Sessions.local();
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");
    /** Both of short lateness, so that in an hour of receipts ids are forgotten and used again. */
    private static final Map<String, String> SHORT = Map.of("LATENESS", "3m", "SKEW", "1m");

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
    void run_whatTheQueryCounted_isTheSame() throws Exception {
        kafka.createTopic("mixed", Map.of());
        Random random = new Random();
        Instant start = Instant.now().truncatedTo(ChronoUnit.MINUTES).minus(Duration.ofHours(1));
        // more than the first batch takes
        int records = 45_000;
        for (int i = 0; i < records; i++) {
            store(random, start.plusMillis(i * 3_600_000L / records));
        }
        kafka.flush();
        Map<List<String>, Long> said = count("mixed", records);
        assertThat(said.keySet().stream().map(window -> window.get(2)).distinct())
                .containsExactlyInAnyOrder("counted", "late", "future", "malformed", "duplicate");
        assertThat(backfill("mixed", SHORT)).isEqualTo(said);

        // receipts of half an hour: its windows are those that its last line names
        Instant from = start.plus(Duration.ofMinutes(20));
        Instant to = start.plus(Duration.ofMinutes(50));
        Map<String, String> half = new HashMap<>(SHORT);
        half.putAll(Map.of("FROM", from.toString(), "TO", to.toString()));
        Instant first = from.plus(Duration.ofMinutes(6));
        Instant last = to.minus(Duration.ofMinutes(3));
        assertThat(run("mixed", half)).contains("Windows from " + first + " to " + last + " are whole.");
        assertThat(between(backfill("mixed", half), first, last)).isEqualTo(between(said, first, last));

        // with more lateness, late events are in their own windows
        Map<String, String> patient = new HashMap<>(SHORT);
        patient.put("LATENESS", "2d");
        assertThat(backfill("mixed", patient).keySet())
                .noneMatch(window -> window.get(2).equals("late"));
    }

    @Test
    void read_severalFaults_namesThemAll() {
        assertThatThrownBy(() -> BackfillSettings.read(new Environment(Map.of("TO", "soon", "LATENESS", "much"))))
                .hasMessageContaining("TO=soon: must be a time such as")
                .hasMessageContaining("LATENESS=much");
    }

    private static void store(Random random, Instant time) {
        boolean hasId = random.nextInt(3) == 0;
        // each comes again within its minute, and twenty minutes later, when it is forgotten
        String id = hasId ? time.toEpochMilli() / 60_000 % 20 + "-" + random.nextInt(60) : null;
        Instant received = hasId ? time : time.minusMillis(random.nextInt(60_000));
        long offset =
                switch (random.nextInt(10)) {
                    case 0 -> -Duration.ofDays(1).toMillis() + random.nextInt(1_000_000);
                    case 1 -> Duration.ofDays(400).toMillis();
                    default -> random.nextInt(4 * 60_000) - 3 * 60_000;
                };
        String fields =
                "{\"event_type\":\"t" + random.nextInt(3) + "\"" + (hasId ? ",\"event_id\":\"" + id + "\"" : "");
        String json =
                switch (random.nextInt(12)) {
                    case 0 -> fields;
                    case 1, 2, 3 -> fields + "}";
                    default -> fields + ",\"timestamp\":" + (received.toEpochMilli() + offset) + "}";
                };
        kafka.store("mixed", received, id, json.getBytes(UTF_8));
    }

    private static Map<List<String>, Long> count(String topic, long records) throws Exception {
        Map<List<String>, Long> counts = new ConcurrentHashMap<>();
        StreamingQuery query = Counting.start(SPARK, Settings.read(kafka.environment(topic, SHORT)), (batch, id) -> {
            for (Row row : batch.selectExpr(
                            "date_format(window.start, 'yyyy-MM-dd HH:mm:ss')",
                            "coalesce(event_type, '-')",
                            "outcome",
                            "count")
                    .collectAsList()) {
                counts.put(List.of(row.getString(0), row.getString(1), row.getString(2)), row.getLong(3));
            }
        });
        await().atMost(Duration.ofMinutes(2))
                .until(() -> counts.values().stream().mapToLong(Long::longValue).sum() == records);
        query.stop();
        return Map.copyOf(counts);
    }

    /** The table that is printed. */
    private static Map<List<String>, Long> backfill(String topic, Map<String, String> more) throws Exception {
        Map<List<String>, Long> counts = new HashMap<>();
        run(topic, more)
                .lines()
                .filter(line -> line.startsWith("|2"))
                .map(line -> line.split("\\|"))
                .forEach(cells -> counts.put(
                        List.of(cells[1].strip(), cells[3].strip(), cells[4].strip()),
                        Long.parseLong(cells[5].strip())));
        return counts;
    }

    private static String run(String topic, Map<String, String> more) throws Exception {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        Backfill.run(SPARK, BackfillSettings.read(kafka.environment(topic, more)), new PrintStream(said, true, UTF_8));
        return said.toString(UTF_8);
    }

    /** Of windows of a minute, those that are wholly within. */
    private static Map<List<String>, Long> between(Map<List<String>, Long> counts, Instant first, Instant last) {
        Map<List<String>, Long> whole = new HashMap<>();
        counts.forEach((window, count) -> {
            Instant start = LocalDateTime.parse(window.get(0), TIME).toInstant(ZoneOffset.UTC);
            if (!start.isBefore(first) && !start.plusSeconds(60).isAfter(last)) {
                whole.put(window, count);
            }
        });
        return whole;
    }
}
