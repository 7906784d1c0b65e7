package dev.sluice.streaming;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;

import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Counts what was received in a range of time once more, and holds the store against it: windows that are whole, and closed,
 * so that no batch of the query changes them any more.
 */
public final class Recount {
    private static final Job<RecountSettings> JOB = new Job<>("The recount", RecountSettings::read, Recount::run);
    private static final int AT_ONCE = 256;
    private static final int MOST_SHOWN = 20;

    private final RecountSettings settings;
    private final Cassandra cassandra;
    private final PrintStream out;
    /** Greater than that of any batch until now. */
    private final long written = TimeUnit.MILLISECONDS.toMicros(System.currentTimeMillis());

    private long compared;
    private long differences;
    private long windows;

    private Recount(RecountSettings settings, Cassandra cassandra, PrintStream out) {
        this.settings = settings;
        this.cassandra = cassandra;
        this.out = out;
    }

    public static void main(String[] arguments) {
        JOB.main();
    }

    /** @throws IllegalStateException where the store says something else, and was not repaired */
    static void run(SparkSession spark, RecountSettings settings, PrintStream out) throws Exception {
        Settings counting = settings.counting();
        StoredRange range = StoredRange.find(settings.range(), counting.topics().all(), counting.consumer());
        TimeRange whole = closed(Backfill.whole(counting, range), counting);
        out.printf(
                "Counting topics %s, receipts %s: %,d records to look at; windows from %s to %s are compared with the %s%n",
                String.join(", ", range.topics()),
                range.time(),
                range.records(),
                whole.from(),
                whole.to(),
                settings.cassandra());
        Dataset<Row> counts = Counting.counts(counting, DeadLetters.NONE)
                .of(range.read(spark))
                .where(col("window.start")
                        .geq(lit(whole.from()))
                        .and(col("window.end").leq(lit(whole.to()))))
                .orderBy(col("window.start"), col("window.end"))
                .persist();
        try (Cassandra cassandra = Cassandra.connectNow(settings.cassandra())) {
            Recount recount = new Recount(settings, cassandra, out);
            range.shown(spark, out, counts::count);
            recount.compare(counts.toLocalIterator());
            recount.end();
        }
    }

    /** As far as no watermark is behind it. */
    private static TimeRange closed(TimeRange whole, Settings counting) {
        Duration behind = counting.lateness().plus(Watermark.DISORDER.multipliedBy(2));
        Instant closed = Instant.now().truncatedTo(ChronoUnit.SECONDS).minus(behind);
        return new TimeRange(whole.from(), whole.to().isBefore(closed) ? whole.to() : closed);
    }

    private void compare(Iterator<Row> rows) throws InterruptedException, ExecutionException {
        List<StoredCount> window = new ArrayList<>();
        while (rows.hasNext()) {
            StoredCount count = StoredCount.of(rows.next(), written);
            if (!window.isEmpty() && !isOfSameWindow(window.get(0), count)) {
                compareWindow(window);
                window.clear();
            }
            window.add(count);
        }
        if (!window.isEmpty()) {
            compareWindow(window);
        }
    }

    private static boolean isOfSameWindow(StoredCount one, StoredCount other) {
        return one.start().equals(other.start()) && one.end().equals(other.end());
    }

    private void compareWindow(List<StoredCount> window) throws InterruptedException, ExecutionException {
        windows++;
        List<StoredCount> wrong = new ArrayList<>();
        Set<List<String>> counted = new HashSet<>();
        for (int i = 0; i < window.size(); i += AT_ONCE) {
            List<StoredCount> some = window.subList(i, Math.min(window.size(), i + AT_ONCE));
            List<List<OptionalLong>> stored = cassandra.stored(some);
            for (int j = 0; j < some.size(); j++) {
                StoredCount count = some.get(j);
                compared++;
                counted.add(List.of(count.eventType(), count.outcome()));
                if (!stored.get(j).stream().allMatch(there -> there.equals(OptionalLong.of(count.count())))) {
                    wrong.add(count);
                    differs(count, Long.toString(count.count()), stored.get(j));
                }
            }
        }
        for (StoredCount there :
                cassandra.window(window.get(0).start(), window.get(0).end(), written)) {
            if (there.count() != 0 && !counted.contains(List.of(there.eventType(), there.outcome()))) {
                wrong.add(there.nothing());
                differs(there, "nothing", List.of(OptionalLong.of(there.count())));
            }
        }
        if (settings.repair()) {
            cassandra.write(wrong);
        }
    }

    private void differs(StoredCount count, String says, List<OptionalLong> stored) {
        if (differences++ < MOST_SHOWN) {
            List<String> tables = stored.stream()
                    .map(there -> there.isPresent() ? Long.toString(there.getAsLong()) : "nothing")
                    .distinct()
                    .toList();
            out.printf(
                    "  %s to %s, %s, %s: Kafka says %s, the store %s%n",
                    count.start(), count.end(), count.eventType(), count.outcome(), says, String.join(" and ", tables));
        }
    }

    private void end() {
        if (differences > MOST_SHOWN) {
            out.printf("  and %,d more%n", differences - MOST_SHOWN);
        }
        String summary = String.format("%,d counts in %,d windows: %,d differ", compared, windows, differences);
        if (differences > 0 && !settings.repair()) {
            throw new IllegalStateException(summary + "; REPAIR=1 makes the store say what Kafka says");
        }
        out.println(summary + (differences > 0 ? ", and were repaired" : ""));
    }
}
