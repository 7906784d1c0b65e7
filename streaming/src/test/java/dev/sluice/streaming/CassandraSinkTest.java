package dev.sluice.streaming;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.Row;
import dev.sluice.events.RealBroker;
import dev.sluice.events.RealCassandra;
import dev.sluice.settings.CassandraAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a real Cassandra, which is killed. */
class CassandraSinkTest {
    private static final SparkSession SPARK = Sessions.local();
    private static final Instant START = Instant.parse("2026-11-24T23:59:00Z");
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final long BEGUN = 1_700_000_000_000L;
    private static final StructType SCHEMA = new StructType()
            .add(
                    Counts.WINDOW,
                    new StructType().add("start", DataTypes.TimestampType).add("end", DataTypes.TimestampType))
            .add(Counts.EVENT_TYPE, DataTypes.StringType)
            .add(Counts.OUTCOME, DataTypes.StringType)
            .add(Counts.COUNT, DataTypes.LongType)
            .add("distinct", DataTypes.LongType)
            .add("p95", DataTypes.DoubleType);

    @TempDir
    static Path folder;

    private static RealCassandra cassandra;
    private static CqlSession session;

    private final Health health = new Health(MINUTE, System::nanoTime);
    private final StoreState state = new StoreState(System::nanoTime);

    @BeforeAll
    static void start() {
        cassandra = RealCassandra.start(folder.resolve("cassandra"));
        session = CqlSession.builder()
                .addContactPoint(new InetSocketAddress("localhost", cassandra.port()))
                .withLocalDatacenter("datacenter1")
                .build();
    }

    @AfterAll
    static void stop() {
        session.close();
        cassandra.close();
    }

    @Test
    void call_counts_areInBothTables() throws Exception {
        try (CassandraSink sink = sink("both", MINUTE, true)) {
            sink.open();
            sink.call(counts(row("click", "counted", 7, 3L, 2.5), row(null, "malformed", 2, null, null)), 4L);
        }
        Row byType = session.execute(
                        "SELECT * FROM both.counts_by_type WHERE event_type = 'click' AND day = '2026-11-24'"
                                + " AND window_start >= '2026-11-24T23:00:00Z'")
                .one();
        assertThat(byType.getInstant("window_end")).isEqualTo(START.plus(MINUTE));
        assertThat(byType.getLocalDate("day")).isEqualTo(LocalDate.of(2026, 11, 24));
        assertThat(byType.getLong("count")).isEqualTo(7);
        assertThat(byType.getLong("distinct_count")).isEqualTo(3);
        assertThat(byType.getDouble("p95")).isEqualTo(2.5);
        assertThat(byType.isNull("sum")).isTrue();
        List<Row> byWindow = session.execute(
                        "SELECT * FROM both.counts_by_window WHERE window_start = '2026-11-24T23:59:00Z'"
                                + " AND window_end = '2026-11-25T00:00:00Z'")
                .all();
        assertThat(byWindow).hasSize(2);
        assertThat(byWindow.get(0).getString("event_type")).isEmpty();
        assertThat(byWindow.get(0).getLong("count")).isEqualTo(2);
        assertThat(byWindow.get(1).getLong("count")).isEqualTo(7);
        assertThat(state.rows()).isEqualTo(2);
    }

    @Test
    void call_anEarlierBatchAgain_changesNothing() throws Exception {
        try (CassandraSink sink = sink("again", MINUTE, true)) {
            sink.call(counts(row("click", "counted", 7, null, null)), 4L);
            sink.call(counts(row("click", "counted", 9, null, null)), 5L);
            sink.call(counts(row("click", "counted", 9, null, null)), 5L);
            // of a process that was taken for dead
            sink.call(counts(row("click", "counted", 7, null, null)), 4L);
        }
        assertThat(count("again")).isEqualTo(9);
        try (CassandraSink later = new CassandraSink(settings("again", MINUTE, false), BEGUN + 1, state, health)) {
            later.call(counts(row("click", "counted", 1, null, null)), 0L);
        }
        assertThat(count("again")).isEqualTo(1);
    }

    @Test
    void call_cassandraKilled_holdsTheBatchUntilItIsBack() throws Exception {
        health.counting();
        try (CassandraSink sink = sink("killed", Duration.ofMinutes(2), true)) {
            sink.open();
            cassandra.kill();
            CompletableFuture<Void> batch = CompletableFuture.runAsync(() -> {
                try {
                    sink.call(counts(row("click", "counted", 7, null, null)), 1L);
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            await().atMost(MINUTE).until(state::isWaiting);
            assertThat(health.isReady()).isFalse();
            assertThat(health.isLive()).isTrue();
            assertThat(batch).isNotDone();
            assertThat(state.waitingSeconds()).isPositive();
            cassandra = cassandra.restart();
            batch.get(2, TimeUnit.MINUTES);
            assertThat(health.isReady()).isTrue();
            assertThat(state.isWaiting()).isFalse();
        }
        await().atMost(MINUTE).ignoreExceptions().until(() -> count("killed") == 7);
    }

    @Test
    void open_nobodyThere_endsAfterItsPatience() {
        CassandraSettings nobody = new CassandraSettings(
                new CassandraAddress(
                        List.of(InetSocketAddress.createUnresolved("localhost", RealBroker.freePort())),
                        "datacenter1",
                        "nobody",
                        CassandraAddress.Consistency.LOCAL_QUORUM,
                        "",
                        "",
                        ""),
                false,
                1,
                Duration.ofMillis(200));
        try (CassandraSink sink = new CassandraSink(nobody, BEGUN, state, health)) {
            assertThatThrownBy(sink::open)
                    .isInstanceOf(StoreTrouble.class)
                    .hasMessageContaining("Cassandra has taken nothing for STORE_PATIENCE=0s");
        }
    }

    @Test
    void open_tablesMissing_saysWhatToDo() {
        assertOpenFails(
                "missing",
                "datacenter1",
                "CASSANDRA_KEYSPACE=missing: there is no such keyspace. Set CASSANDRA_CREATE=1");
        session.execute(
                "CREATE KEYSPACE empty WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
        assertOpenFails("empty", "datacenter1", "counts_by_type: there is no such table");
    }

    @Test
    void open_anotherTable_namesTheDifference() {
        session.execute(
                "CREATE KEYSPACE other WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
        session.execute(
                "CREATE TABLE other.counts_by_type (event_type text, day date, window_start timestamp, window_end"
                        + " timestamp, outcome text, count int, sum double, PRIMARY KEY (event_type, day, window_start,"
                        + " window_end, outcome))");
        assertOpenFails(
                "other",
                "datacenter1",
                "the column count is int, not bigint; counts_by_type: the column distinct_count (bigint) is missing");
        assertOpenFails("other", "datacenter1", "the partition key are [event_type], not [event_type, day]");
    }

    @Test
    void open_anotherDataCenter_namesThoseThatThereAre() {
        assertOpenFails("any", "berlin", "CASSANDRA_DATACENTER=berlin: the cluster has datacenter1");
    }

    private void assertOpenFails(String keyspace, String dataCenter, String message) {
        CassandraSettings settings = settings(keyspace, dataCenter, MINUTE, false);
        try (CassandraSink sink = new CassandraSink(settings, BEGUN, state, health)) {
            assertThatThrownBy(sink::open).isInstanceOf(StoreTrouble.class).hasMessageContaining(message);
        }
    }

    private static long count(String keyspace) {
        return session.execute("SELECT count FROM " + keyspace + ".counts_by_window WHERE window_start ="
                        + " '2026-11-24T23:59:00Z' AND window_end = '2026-11-25T00:00:00Z' AND event_type = 'click'")
                .one()
                .getLong("count");
    }

    private CassandraSink sink(String keyspace, Duration patience, boolean create) {
        return new CassandraSink(settings(keyspace, patience, create), BEGUN, state, health);
    }

    private static CassandraSettings settings(String keyspace, Duration patience, boolean create) {
        return settings(keyspace, "datacenter1", patience, create);
    }

    private static CassandraSettings settings(String keyspace, String dataCenter, Duration patience, boolean create) {
        return new CassandraSettings(
                new CassandraAddress(
                        List.of(InetSocketAddress.createUnresolved("localhost", cassandra.port())),
                        dataCenter,
                        keyspace,
                        CassandraAddress.Consistency.LOCAL_QUORUM,
                        "",
                        "",
                        ""),
                create,
                1,
                patience);
    }

    private static org.apache.spark.sql.Row row(String type, String outcome, long count, Long distinct, Double p95) {
        org.apache.spark.sql.Row window = RowFactory.create(Timestamp.from(START), Timestamp.from(START.plus(MINUTE)));
        return RowFactory.create(window, type, outcome, count, distinct, p95);
    }

    private static Dataset<org.apache.spark.sql.Row> counts(org.apache.spark.sql.Row... rows) {
        return SPARK.createDataFrame(new ArrayList<>(List.of(rows)), SCHEMA);
    }
}
