package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.datastax.oss.driver.api.core.CqlSession;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import dev.sluice.events.RealCassandra;
import dev.sluice.settings.Environment;
import dev.sluice.settings.SettingsException;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a real Cassandra, with real tables. */
class OffloadTest {
    private static final SparkSession SPARK = Sessions.local();
    private static final LocalDate TODAY = LocalDate.now(ZoneOffset.UTC);
    private static final Instant NOW = Instant.now().truncatedTo(ChronoUnit.MINUTES);
    private static final int MINUTES = 50;

    @TempDir
    static Path folder;

    private static RealCassandra server;
    private static CqlSession session;

    private Path path;
    /** Each with catalogs of its own. */
    private SparkSession spark;

    @BeforeAll
    static void start() {
        server = RealCassandra.start(folder.resolve("cassandra"));
        session = CqlSession.builder()
                .addContactPoint(new InetSocketAddress("localhost", server.port()))
                .withLocalDatacenter("datacenter1")
                .build();
        Cassandra.connect(settings(Map.of()).cassandra()).close();
    }

    @AfterAll
    static void stop() {
        session.close();
        server.close();
    }

    @BeforeEach
    void empty(@TempDir Path each) {
        CassandraTable.ALL.forEach(table -> session.execute("TRUNCATE sluice." + table.name()));
        path = each;
        spark = SPARK.newSession();
        SparkSession.setActiveSession(spark);
    }

    @AfterEach
    void leave() {
        SparkSession.setActiveSession(SPARK);
    }

    @Test
    void run_daysOfCounts_areMovedOnce_andCorrectionsAfterThem() throws Exception {
        fill(3);
        // open, or too new
        write(NOW, "a", "counted", 1, 1);
        assertThat(offload(Map.of("DRY_RUN", "1"))).contains("would move 600").doesNotContain("Committed");
        assertThat(offload(Map.of())).contains("600 rows of 3 days: moving 600", "Committed", "Verified");
        assertThat(moved()).isEqualTo(stored(NOW.minus(Duration.ofHours(1))));
        assertThat(offload(Map.of()))
                .contains("600 rows of 3 days: nothing to move")
                .doesNotContain("Committed");

        Instant corrected = at(2, 7);
        write(corrected, "a", "counted", 4_711, 2);
        write(corrected.plusSeconds(30), "b", "late", 3, 2);
        assertThat(offload(Map.of()))
                .contains(TODAY.minusDays(2) + ": 201 rows, of which 2 are new or corrected", "moving 2");
        assertThat(moved()).isEqualTo(stored(NOW.minus(Duration.ofHours(1))));
        assertThat(offload(Map.of())).contains("601 rows of 3 days: nothing to move");
    }

    @Test
    void run_withRetention_deletesOnlyWhatWasMoved() throws Exception {
        fill(5);
        Map<String, String> retention = Map.of("CASSANDRA_RETENTION", "3d");
        write(at(4, 3).plusSeconds(15), "a", "late", 7, 1);
        // the tables differ there
        session.execute(
                "UPDATE sluice.counts_by_type USING TIMESTAMP 2 SET count = 8 WHERE event_type = 'a' AND day = ? AND"
                        + " window_start = ? AND window_end = ? AND outcome = 'late'",
                TODAY.minusDays(4),
                at(4, 3).plusSeconds(15),
                at(4, 3).plusSeconds(75));
        assertThat(offload(Map.of("CASSANDRA_RETENTION", "3d", "DRY_RUN", "1"))).contains("would move 1,001");
        assertThat(stored(NOW)).hasSize(1_001);

        assertThatThrownBy(() -> offload(retention))
                .hasMessageContaining(TODAY.minusDays(4) + " of counts_by_type")
                .hasMessageContaining("make recount");
        TreeSet<String> all = moved();
        assertThat(all).hasSize(1_001);
        assertThat(stored(NOW)).hasSize(600);

        // as a recount repairs it, and a correction of what was deleted
        write(at(4, 3).plusSeconds(15), "a", "late", 8, 3);
        write(at(5, 3), "a", "late", 9, 3);
        assertThat(offload(retention))
                .contains(TODAY.minusDays(4) + ": 1 rows, of which 1 are new or corrected")
                .contains(TODAY.minusDays(5) + ": 1 rows, of which 1 are new or corrected");
        assertThat(stored(NOW)).hasSize(600);
        assertThat(session.execute("SELECT count(*) FROM sluice.counts_by_type")
                        .one()
                        .getLong(0))
                .isEqualTo(600);
        assertThat(moved())
                .hasSize(1_001)
                .contains(line(at(4, 3).plusSeconds(15), "a", "late", 8))
                .contains(line(at(5, 3), "a", "late", 9));
        assertThat(offload(retention)).contains("600 rows of 3 days: nothing to move");
    }

    @Test
    void run_writtenAfterItWasRead_survivesTheDeletion() throws Exception {
        fill(4);
        offload(Map.of());
        // between the comparison and the deletion: the delete has the time of what was compared
        PrintStream out = new PrintStream(new ByteArrayOutputStream(), true, UTF_8) {
            @Override
            public PrintStream printf(String format, Object... arguments) {
                if (format.contains("days of") && List.of(arguments).contains("counts_by_type")) {
                    OffloadTest.write(at(4, 3), "a", "late", 9, 3);
                }
                return super.printf(format, arguments);
            }
        };
        Offload.run(spark, settings(variables(Map.of("CASSANDRA_RETENTION", "3d"))), out);
        assertThat(stored(NOW)).hasSize(601).contains(line(at(4, 3), "a", "late", 9));
        offload(Map.of());
        assertThat(moved()).hasSize(800).contains(line(at(4, 3), "a", "late", 9));
    }

    @Test
    void run_toParquet_isTheSame_andHasNoRetention() throws Exception {
        fill(2);
        Map<String, String> parquet = Map.of("OFFLOAD_FORMAT", "parquet");
        assertThat(offload(parquet)).contains("moving 400", "Verified");
        write(at(1, 3), "a", "late", 9, 2);
        assertThat(offload(parquet)).contains("200 rows, of which 1 are new or corrected", "moving 1");
        assertThat(offload(parquet)).contains("nothing to move");
        assertThat(lines(settings(variables(parquet)).target(spark).read().collectAsList()))
                .isEqualTo(stored(NOW));
        assertThatThrownBy(() -> settings(Map.of("OFFLOAD_FORMAT", "parquet", "CASSANDRA_RETENTION", "30d")))
                .isInstanceOf(SettingsException.class)
                .hasMessageContaining("CASSANDRA_RETENTION: cannot go with OFFLOAD_FORMAT=parquet");
    }

    @Test
    void run_toMongo_againstAStandIn_isTheSame() throws Exception {
        MongoServer standIn = new MongoServer(new MemoryBackend());
        try {
            InetSocketAddress address = standIn.bind();
            Map<String, String> mongo = Map.of(
                    "OFFLOAD_FORMAT",
                    "mongodb",
                    "MONGODB_URI",
                    "mongodb://" + address.getHostString() + ":" + address.getPort() + "/sluice");
            fill(2);
            assertThat(offload(mongo)).contains("moving 400", "Verified");
            write(at(1, 3), "a", "late", 9, 2);
            assertThat(offload(mongo)).contains("200 rows, of which 1 are new or corrected", "moving 1");
            assertThat(offload(mongo)).contains("nothing to move");
            assertThat(lines(settings(variables(mongo)).target(spark).read().collectAsList()))
                    .isEqualTo(stored(NOW));
        } finally {
            standIn.shutdownNow();
        }
        assertThatThrownBy(() -> settings(Map.of("CASSANDRA_RETENTION", "24h", "OFFLOAD_AFTER", "2h")))
                .hasMessageContaining("CASSANDRA_RETENTION: must be a day longer than OFFLOAD_AFTER");
        assertThatThrownBy(() -> settings(Map.of("OFFLOAD_FORMAT", "mongodb")))
                .isInstanceOf(SettingsException.class)
                .hasMessageContaining("MONGODB_URI: must say where MongoDB is");
    }

    @Test
    void query_overBoth_countsEachOnce_asItIsNow() throws Exception {
        fill(2);
        offload(Map.of());
        write(at(1, 3), "a", "counted", 5_000, 2);
        write(at(3, 3), "a", "counted", 1, 1);
        assertThat(query("SELECT count(*), sum(count) FROM counts WHERE event_type = 'a' AND outcome = 'counted'"))
                .contains("|101     |" + (50 * 1_000 + 50 * 2_000 + 2 * 49 * 50 / 2 - 1_003 + 5_000 + 1))
                .contains("1 row");
        assertThat(query("SELECT count FROM moved WHERE window_start = timestamp'" + at(1, 3) + "' AND event_type = 'a'"
                        + " AND outcome = 'counted'"))
                .contains("|1003 |");
        assertThatThrownBy(() -> query("SELECT nothing FROM counts")).hasMessageContaining("`nothing`");
        assertThatThrownBy(() -> QuerySettings.read(new Environment(Map.of())))
                .hasMessageContaining("SQL: must be a statement, such as SELECT");
    }

    private String query(String sql) {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        Query.run(spark, new QuerySettings(settings(variables(Map.of())), sql), new PrintStream(said, true, UTF_8));
        return said.toString(UTF_8);
    }

    private static String line(Instant start, String type, String outcome, long count) {
        return List.of(start, start.plusSeconds(60), type, outcome, count, count / 2.0)
                .toString();
    }

    private static void fill(int days) {
        for (int day = 1; day <= days; day++) {
            for (int minute = 0; minute < MINUTES; minute++) {
                for (String type : List.of("a", "b")) {
                    for (String outcome : List.of("counted", "late")) {
                        write(at(day, minute), type, outcome, day * 1_000L + minute, 1);
                    }
                }
            }
        }
    }

    /** Of a day before today. */
    private static Instant at(int day, int minute) {
        return TODAY.minusDays(day).atStartOfDay(ZoneOffset.UTC).toInstant().plus(Duration.ofMinutes(minute));
    }

    private static void write(Instant start, String type, String outcome, long count, long written) {
        LocalDate day = LocalDate.ofInstant(start, ZoneOffset.UTC);
        Instant end = start.plusSeconds(60);
        session.execute(
                "INSERT INTO sluice.counts_by_type (event_type, day, window_start, window_end, outcome, count, sum)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?",
                type,
                day,
                start,
                end,
                outcome,
                count,
                count / 2.0,
                written);
        session.execute(
                "INSERT INTO sluice.counts_by_window (window_start, window_end, event_type, outcome, count, sum)"
                        + " VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?",
                start,
                end,
                type,
                outcome,
                count,
                count / 2.0,
                written);
    }

    private TreeSet<String> moved() {
        return lines(settings(variables(Map.of())).target(spark).read().collectAsList());
    }

    private static TreeSet<String> stored(Instant bound) {
        TreeSet<String> rows = new TreeSet<>();
        session.execute("SELECT window_start, window_end, event_type, outcome, count, sum FROM sluice.counts_by_window")
                .forEach(row -> {
                    if (!row.getInstant(1).isAfter(bound)) {
                        rows.add(List.of(
                                        row.getInstant(0),
                                        row.getInstant(1),
                                        row.getString(2),
                                        row.getString(3),
                                        row.getLong(4),
                                        row.getDouble(5))
                                .toString());
                    }
                });
        return rows;
    }

    private static TreeSet<String> lines(List<Row> rows) {
        TreeSet<String> lines = new TreeSet<>();
        for (Row row : rows) {
            List<Object> values = new ArrayList<>();
            values.add(row.getTimestamp(0).toInstant());
            values.add(row.getTimestamp(1).toInstant());
            for (int i = 2; i < 5; i++) {
                values.add(row.get(i));
            }
            values.add(row.get(6));
            assertThat(lines.add(values.toString())).as("once: %s", row).isTrue();
        }
        return lines;
    }

    private String offload(Map<String, String> more) throws Exception {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        Offload.run(spark, settings(variables(more)), new PrintStream(said, true, UTF_8));
        return said.toString(UTF_8);
    }

    private Map<String, String> variables(Map<String, String> more) {
        Map<String, String> variables = new HashMap<>(Map.of("OFFLOAD_PATH", path.toString()));
        variables.putAll(more);
        return variables;
    }

    private static OffloadSettings settings(Map<String, String> more) {
        Map<String, String> variables = new HashMap<>(Map.of(
                "CASSANDRA_CONTACT_POINTS", server.contactPoint(),
                "CASSANDRA_CREATE", "1",
                "CASSANDRA_REPLICAS", "1"));
        variables.putAll(more);
        return OffloadSettings.read(new Environment(variables));
    }
}
