package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.datastax.oss.driver.api.core.CqlSession;
import dev.sluice.events.RealCassandra;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a real broker and a real Cassandra. */
class RecountTest {
    private static final SparkSession SPARK = Sessions.local();
    private static final int MINUTES = 30;
    private static final int A_MINUTE = 100;

    @TempDir
    static Path folder;

    private static Kafka kafka;
    private static RealCassandra cassandra;
    private static CqlSession session;
    private static Instant start;

    @BeforeAll
    static void start() {
        kafka = new Kafka(folder);
        cassandra = RealCassandra.start(folder.resolve("cassandra"));
        session = CqlSession.builder()
                .addContactPoint(new InetSocketAddress("localhost", cassandra.port()))
                .withLocalDatacenter("datacenter1")
                .build();
        start = Instant.now().truncatedTo(ChronoUnit.MINUTES).minus(Duration.ofHours(2));
    }

    @AfterAll
    static void stop() {
        session.close();
        cassandra.close();
        kafka.close();
    }

    @Test
    void run_storeTamperedWith_isNamedAndRepaired() throws Exception {
        kafka.createTopic("recounted", Map.of());
        for (int i = 0; i < MINUTES * A_MINUTE; i++) {
            kafka.store(
                    "recounted",
                    start.plusMillis(i * 60_000L / A_MINUTE),
                    i % 10 == 0 ? "no event" : "{\"event_type\":\"t" + i % 2 + "\"}");
        }
        kafka.flush();
        count();
        assertThat(recount(Map.of())).contains("90 counts in 30 windows: 0 differ");

        String window = "window_start = '" + start + "' AND window_end = '" + start.plusSeconds(60) + "'";
        String day = start.toString().substring(0, 10);
        session.execute("DELETE FROM sluice.counts_by_type WHERE event_type = 't0' AND day = '" + day + "' AND "
                + window + " AND outcome = 'counted'");
        session.execute("UPDATE sluice.counts_by_window SET count = 7 WHERE " + window
                + " AND event_type = 't1' AND outcome = 'counted'");
        session.execute("UPDATE sluice.counts_by_window SET count = 3 WHERE " + window
                + " AND event_type = 'other' AND outcome = 'late'");
        assertThatThrownBy(() -> recount(Map.of()))
                .hasMessage("90 counts in 30 windows: 3 differ; REPAIR=1 makes the store say what Kafka says");

        String said = recount(Map.of("REPAIR", "1"));
        assertThat(said)
                .contains(start + " to " + start.plusSeconds(60)
                        + ", t0, counted: Kafka says 40, the store nothing and 40")
                .contains("t1, counted: Kafka says 50, the store 50 and 7")
                .contains("other, late: Kafka says nothing, the store 3")
                .contains("3 differ, and were repaired");
        assertThat(recount(Map.of())).contains("90 counts in 30 windows: 0 differ");
        // some of the range alone
        assertThat(recount(Map.of("FROM", start.plusSeconds(600).toString())))
                .containsPattern("4\\d counts in 1\\d windows: 0 differ");
    }

    private static void count() throws Exception {
        Settings settings = Settings.read(kafka.environment("recounted", variables(Map.of())));
        Health health = new Health(Duration.ofMinutes(1), System::nanoTime);
        try (Sinks sinks = Sinks.open(settings, System.currentTimeMillis(), new Metrics(), health)) {
            StreamingQuery query = Counting.start(SPARK, settings, sinks);
            try {
                await().atMost(Duration.ofMinutes(2)).untilAsserted(() -> {
                    assertThat(query.exception().isEmpty()).isTrue();
                    assertThat(session.execute("SELECT sum(count) FROM sluice.counts_by_type")
                                    .one()
                                    .getLong(0))
                            .as("counted; the last batch: %s", query.lastProgress())
                            .isEqualTo(MINUTES * A_MINUTE);
                });
            } finally {
                query.stop();
            }
        }
    }

    private static String recount(Map<String, String> more) throws Exception {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        Recount.run(
                SPARK,
                RecountSettings.read(kafka.environment("recounted", variables(more))),
                new PrintStream(said, true, UTF_8));
        return said.toString(UTF_8);
    }

    private static Map<String, String> variables(Map<String, String> more) {
        Map<String, String> variables = new HashMap<>(Map.of(
                "LATENESS", "3m",
                "SINKS", "cassandra",
                "CASSANDRA_CONTACT_POINTS", cassandra.contactPoint(),
                "CASSANDRA_CREATE", "1",
                "CASSANDRA_REPLICAS", "1"));
        variables.putAll(more);
        return variables;
    }
}
