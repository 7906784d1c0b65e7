package dev.sluice.streaming;

import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Counts what was received in a range of time once more, as the query does. */
public final class Backfill {
    private static final Job<BackfillSettings> JOB = new Job<>("The backfill", BackfillSettings::read, Backfill::run);
    private static final int MOST_ROWS = 100_000;

    private Backfill() {}

    public static void main(String[] arguments) {
        JOB.main();
    }

    static void run(SparkSession spark, BackfillSettings settings, PrintStream out) throws Exception {
        Settings counting = settings.counting();
        StoredRange range = StoredRange.find(settings.range(), counting.topics().all(), counting.consumer());
        out.printf(
                "Counting topics %s, receipts %s: %,d records to look at%n",
                String.join(", ", range.topics()), range.time(), range.records());
        long start = System.nanoTime();
        Dataset<Row> counts = Counting.counts(counting, DeadLetters.NONE).of(range.read(spark));
        range.shown(spark, out, () -> {
            new ConsoleSink(out, MOST_ROWS).call(counts, 0L);
            return true;
        });
        TimeRange whole = whole(counting, range);
        out.printf(
                "Counted in %.1f s. Windows %s are whole.%n",
                (System.nanoTime() - start) / 1e9,
                whole.from().equals(Instant.EPOCH)
                        ? "that end by " + whole.to()
                        : "from " + whole.from() + " to " + whole.to());
    }

    /** Which windows have all of their records, and all that repeat an id, within the range. */
    static TimeRange whole(Settings counting, StoredRange range) {
        Duration remembered = counting.skew().plus(counting.lateness()).plus(Watermark.step(counting.slide()));
        return new TimeRange(
                range.complete().equals(Instant.EPOCH)
                        ? Instant.EPOCH
                        : range.complete().plus(remembered).plus(counting.skew()),
                range.time().to().minus(counting.lateness()));
    }
}
