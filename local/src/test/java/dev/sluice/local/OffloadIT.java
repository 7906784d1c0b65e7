package dev.sluice.local;

import static org.assertj.core.api.Assertions.assertThat;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import dev.sluice.events.RealCassandra;
import dev.sluice.events.RealS3;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The offload as a process that is killed at each of its steps: no count is lost, doubled or left behind. */
class OffloadIT {
    private static final List<String> STEPS = List.of(
            "Comparing", "moving", "Committed", "Verified", "days of counts_by_window", "days of counts_by_type");
    private static final LocalDate TODAY = LocalDate.now(ZoneOffset.UTC);
    private static final int DAYS = 5;
    private static final int RETAINED = 2;
    private static final int A_DAY = 200;

    @TempDir
    Path folder;

    private RealCassandra cassandra;
    private CqlSession session;
    private final Map<Instant, Long> expected = new HashMap<>();
    private long written;

    @BeforeEach
    void start() throws Exception {
        cassandra = RealCassandra.start(folder.resolve("cassandra"));
        session = CqlSession.builder()
                .addContactPoint(new InetSocketAddress("localhost", cassandra.port()))
                .withLocalDatacenter("datacenter1")
                .build();
    }

    @AfterEach
    void stop() {
        session.close();
        cassandra.close();
    }

    @Test
    void offload_killedAtEachStep_losesAndDoublesNothing() throws Exception {
        Lake lake = new Lake(folder, cassandra, Map.of());
        Map<String, String> retention = Map.of("CASSANDRA_RETENTION", RETAINED + "d");
        assertThat(lake.offload(retention)).contains("0 rows of 0 days: nothing to move");
        for (String step : STEPS) {
            write();
            lake.killAt(step, retention);
        }
        assertThat(lake.offload(retention)).contains("Deleting");
        assertThat(lake.offload(retention)).contains("nothing to move").doesNotContain("Deleting");

        assertHas(lake, "counts");
        assertHas(lake, "moved");
        for (String table : List.of("counts_by_window", "counts_by_type")) {
            assertThat(session.execute("SELECT window_start FROM sluice." + table)
                            .all())
                    .hasSize(RETAINED * A_DAY)
                    .allMatch(row -> !day(row.getInstant(0)).isBefore(TODAY.minusDays(RETAINED)));
        }
    }

    @Test
    void offload_toS3_isTheSame() throws Exception {
        try (RealS3 s3 = RealS3.start(folder.resolve("s3"))) {
            Lake lake = new Lake(
                    folder,
                    cassandra,
                    Map.of(
                            "OFFLOAD_PATH",
                            "s3://" + RealS3.BUCKET + "/lake",
                            "S3_ENDPOINT",
                            s3.endpoint(),
                            "AWS_ACCESS_KEY_ID",
                            "any",
                            "AWS_SECRET_ACCESS_KEY",
                            "any"));
            lake.offload(Map.of());
            write();
            lake.killAt("moving", Map.of());
            write();
            assertThat(lake.offload(Map.of())).contains("Verified");
            assertThat(lake.offload(Map.of())).contains("nothing to move");
            assertHas(lake, "moved");
        }
    }

    private void assertHas(Lake lake, String view) throws Exception {
        long rows = expected.size();
        long sum = expected.values().stream().mapToLong(Long::longValue).sum();
        long mixed = expected.entrySet().stream()
                .mapToLong(row -> row.getKey().getEpochSecond() / 60 % 1_009 * row.getValue())
                .sum();
        String figures = "count(*), sum(count), sum(unix_seconds(window_start) div 60 % 1009 * count)";
        String all = "|" + rows + "|" + sum + "|" + mixed + "|";
        assertThat(lake.query("SELECT " + figures + " FROM " + view)).contains(all);
    }

    /** Counts of each day, some of them new and some corrected. */
    private void write() throws Exception {
        PreparedStatement byType = session.prepare(
                "INSERT INTO sluice.counts_by_type (event_type, day, window_start, window_end, outcome, count)"
                        + " VALUES ('a', ?, ?, ?, 'counted', ?) USING TIMESTAMP ?");
        PreparedStatement byWindow = session.prepare(
                "INSERT INTO sluice.counts_by_window (window_start, window_end, event_type, outcome, count)"
                        + " VALUES (?, ?, 'a', 'counted', ?) USING TIMESTAMP ?");
        written++;
        for (int day = 1; day <= DAYS; day++) {
            Instant midnight = TODAY.minusDays(day).atStartOfDay(ZoneOffset.UTC).toInstant();
            for (int minute = 0; minute < A_DAY; minute++) {
                Instant start = midnight.plus(Duration.ofMinutes(minute));
                if (expected.containsKey(start) && minute % 7 != written % 7) {
                    continue;
                }
                long count = written * 1_000 + minute;
                expected.put(start, count);
                Instant end = start.plusSeconds(60);
                session.execute(byType.bind(day(start), start, end, count, written));
                session.execute(byWindow.bind(start, end, count, written));
            }
        }
    }

    private static LocalDate day(Instant time) {
        return LocalDate.ofInstant(time, ZoneOffset.UTC);
    }
}
