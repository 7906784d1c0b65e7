package dev.sluice.streaming;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.to_date;

import java.io.PrintStream;
import java.sql.Date;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.storage.StorageLevel;

/**
 * Moves counts of windows that ended some time ago from Cassandra to a cheaper store, day by day. What is there is
 * compared first, so that a run moves what is missing or was corrected since, wherever the last one ended; what is there and
 * not in Cassandra stays. It is compared again before Cassandra may give anything up.
 */
public final class Offload {
    private static final Job<OffloadSettings> JOB = new Job<>("The offload", OffloadSettings::read, Offload::run);

    private final SparkSession spark;
    private final OffloadSettings settings;
    private final Target target;
    private final PrintStream out;

    private Offload(SparkSession spark, OffloadSettings settings, PrintStream out) {
        this.spark = spark;
        this.settings = settings;
        this.target = settings.target(spark);
        this.out = out;
    }

    public static void main(String[] arguments) {
        JOB.main();
    }

    /** @throws IllegalStateException where what was moved is not what is stored */
    static void run(SparkSession spark, OffloadSettings settings, PrintStream out) throws Exception {
        // what is read has no size that Spark could know, and is never to be sent around whole
        spark.conf().set("spark.sql.autoBroadcastJoinThreshold", "-1");
        try (Cassandra cassandra = Cassandra.connectNow(settings.cassandra())) {
            new Offload(spark, settings, out).run(cassandra);
        } finally {
            CassandraScan.close(settings.cassandra());
        }
    }

    private void run(Cassandra cassandra) throws Exception {
        Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        Instant bound = now.minus(settings.after());
        out.printf("Comparing windows that ended by %s in the %s with %s%n", bound, settings.cassandra(), target);
        Dataset<Row> closed = CassandraScan.of(spark, settings.cassandra(), CassandraTable.BY_WINDOW)
                .where(col("window_end").leq(lit(bound)))
                // read once: what is moved, compared and given up is then the same
                .persist(StorageLevel.DISK_ONLY());
        boolean moved = move(closed.select(StoredDays.columns()));
        List<String> kept = List.of();
        if (settings.retention().isPresent()) {
            Instant from = now.minus(settings.retention().get());
            kept = expire(cassandra, LocalDate.ofInstant(from, ZoneOffset.UTC), closed);
        }
        if (moved) {
            target.maintain(out);
        }
        if (!kept.isEmpty()) {
            throw new IllegalStateException("Cassandra keeps days that are not what was moved: "
                    + String.join(", ", kept) + "; make recount says which table is wrong");
        }
    }

    /** Whether there was anything to move, and it was. */
    private boolean move(Dataset<Row> stored) {
        List<StoredDays.Day> days = StoredDays.compare(stored, target.read());
        List<StoredDays.Day> differing =
                days.stream().filter(day -> !day.same()).toList();
        differing.forEach(day -> out.printf(
                "  %s: %,d rows, of which %,d are new or corrected%n", day.day(), day.rows(), day.changed()));
        out.printf(
                "%,d rows of %,d days: %s%n",
                days.stream().mapToLong(StoredDays.Day::rows).sum(),
                days.size(),
                differing.isEmpty()
                        ? "nothing to move"
                        : (settings.dryRun() ? "would move " : "moving ")
                                + String.format(
                                        "%,d",
                                        differing.stream()
                                                .mapToLong(StoredDays.Day::changed)
                                                .sum()));
        if (differing.isEmpty() || settings.dryRun()) {
            return false;
        }
        List<LocalDate> moved = differing.stream().map(StoredDays.Day::day).toList();
        Dataset<Row> ofThoseDays = stored.where(StoredDays.isIn(moved));
        target.merge(moved, ofThoseDays);
        out.println("Committed to " + target);
        List<LocalDate> wrong = StoredDays.compare(ofThoseDays, target.read()).stream()
                .filter(day -> !day.same())
                .map(StoredDays.Day::day)
                .toList();
        if (!wrong.isEmpty()) {
            throw new IllegalStateException(target + " does not have what was moved, on " + wrong
                    + "; nothing was deleted in Cassandra, and the next run moves it again");
        }
        out.println("Verified: each day has the rows and the checksum that it has in Cassandra");
        return true;
    }

    /**
     * Deletes days from Cassandra of which the target has all.
     *
     * @param from the first day that stays
     * @param closed rows of {@link CassandraTable#BY_WINDOW}
     * @return what stays because the target has something else
     */
    private List<String> expire(Cassandra cassandra, LocalDate from, Dataset<Row> closed)
            throws InterruptedException, ExecutionException {
        Column old = to_date(col("window_start")).lt(lit(Date.valueOf(from)));
        List<String> kept = new ArrayList<>();
        expire(cassandra, CassandraTable.BY_WINDOW, from, closed.where(old), kept);
        // a partition of this table may hold windows of its day that are open yet, and then is not what was moved
        Dataset<Row> byType = CassandraScan.of(spark, settings.cassandra(), CassandraTable.BY_TYPE)
                .where(old)
                .persist(StorageLevel.DISK_ONLY());
        expire(cassandra, CassandraTable.BY_TYPE, from, byType, kept);
        return settings.dryRun() ? List.of() : kept;
    }

    private void expire(Cassandra cassandra, CassandraTable table, LocalDate from, Dataset<Row> rows, List<String> kept)
            throws InterruptedException, ExecutionException {
        List<StoredDays.Day> days = StoredDays.compare(rows.select(StoredDays.columns()), target.read());
        days.stream().filter(day -> !day.same()).forEach(day -> kept.add(day.day() + " of " + table.name()));
        List<LocalDate> moved = days.stream()
                .filter(StoredDays.Day::same)
                .map(StoredDays.Day::day)
                .toList();
        if (moved.isEmpty()) {
            return;
        }
        out.printf(
                "%s %,d days of %s before %s%n",
                settings.dryRun() ? "Would delete" : "Deleting", moved.size(), table.name(), from);
        if (!settings.dryRun()) {
            Column[] key = table.partitionKey().stream()
                    .map(column ->
                            column.equals("day") ? to_date(col("window_start")).as(column) : col(column))
                    .toArray(Column[]::new);
            cassandra.delete(
                    table,
                    rows.where(StoredDays.isIn(moved))
                            .groupBy(key)
                            .agg(max(CassandraScan.WRITTEN))
                            .toLocalIterator());
        }
    }
}
