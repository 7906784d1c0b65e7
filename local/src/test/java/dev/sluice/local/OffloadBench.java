package dev.sluice.local;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchStatementBuilder;
import com.datastax.oss.driver.api.core.cql.BatchType;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import dev.sluice.events.RealCassandra;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A million counts and ten from Cassandra on to Iceberg on this disk: what that takes, and whether memory grows with them. */
final class OffloadBench {
    private static final int DAY = 1_440;
    private static final int TYPES = 231;
    private static final int MILLION = 1_000_000;
    private static final int AT_ONCE = 64;
    private static final long POLL_MILLIS = 100;
    private static final double MIB = 1 << 10;

    private final BenchReport report;
    private final Path folder;

    OffloadBench(BenchReport report, Path folder) {
        this.report = report;
        this.folder = folder;
    }

    void run() throws Exception {
        try (RealCassandra cassandra = RealCassandra.start(folder.resolve("cassandra"))) {
            new Lake(folder, cassandra, Map.of()).offload(Map.of());
            int loaded = 0;
            for (int millions : new int[] {1, 10}) {
                System.out.printf("offload, %d million rows%n", millions);
                int windows = (millions * MILLION + TYPES - 1) / TYPES;
                load(cassandra, loaded, windows);
                loaded = windows;
                Map<String, String> path = Map.of(
                        "OFFLOAD_PATH", folder.resolve("lake-" + millions).toString());
                measure(cassandra, path, millions + " million rows, first run");
                measure(cassandra, path, millions + " million rows, nothing to move");
            }
        }
    }

    private void measure(RealCassandra cassandra, Map<String, String> path, String what) throws Exception {
        Path log = folder.resolve("offload.log");
        Files.deleteIfExists(log);
        Process process = new Lake(folder, cassandra, path).start(log, "offload", Map.of());
        long start = System.nanoTime();
        double kib = 0;
        double cpu = 0;
        Measured measured = new Measured(process);
        while (!process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
            try {
                kib = Math.max(kib, mostResidentKib(process));
                cpu = Math.max(cpu, measured.cpuSeconds());
            } catch (IOException ended) {
                break;
            }
        }
        if (process.waitFor() != 0) {
            throw new IllegalStateException(Files.readString(log));
        }
        report.add("offload of " + what + ", s", (System.nanoTime() - start) / 1e9);
        report.add("offload of " + what + ", CPU s", cpu);
        report.add("offload of " + what + ", most resident memory, MiB", kib / MIB);
    }

    private static double mostResidentKib(Process process) throws IOException {
        return Files.readAllLines(Path.of("/proc", Long.toString(process.pid()), "status")).stream()
                .filter(line -> line.startsWith("VmHWM:"))
                .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")))
                .max()
                .orElse(0);
    }

    /** A window is a partition, and goes there as one batch. */
    private static void load(RealCassandra cassandra, int from, int to) throws Exception {
        Instant last =
                LocalDate.now(ZoneOffset.UTC).atStartOfDay(ZoneOffset.UTC).toInstant();
        try (CqlSession session = CqlSession.builder()
                .addContactPoint(new InetSocketAddress("localhost", cassandra.port()))
                .withLocalDatacenter("datacenter1")
                .build()) {
            PreparedStatement insert = session.prepare(
                    "INSERT INTO sluice.counts_by_window (window_start, window_end, event_type, outcome, count)"
                            + " VALUES (?, ?, ?, 'counted', ?)");
            Queue<CompletableFuture<?>> running = new ArrayDeque<>();
            for (int window = from; window < to; window++) {
                Instant start = last.minus(Duration.ofMinutes(window + 1L));
                BatchStatementBuilder batch = BatchStatement.builder(BatchType.UNLOGGED);
                for (int type = 0; type < TYPES; type++) {
                    batch.addStatement(insert.bind(start, start.plusSeconds(60), "type_" + type, (long) window + type));
                }
                running.add(session.executeAsync(batch.build()).toCompletableFuture());
                if (running.size() == AT_ONCE) {
                    running.remove().join();
                }
                if (window % (10 * DAY) == 0) {
                    System.out.printf("  %,d rows loaded%n", (long) window * TYPES);
                }
            }
            running.forEach(CompletableFuture::join);
        }
    }
}
