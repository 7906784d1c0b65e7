package dev.sluice.streaming;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.timestamp_millis;
import static org.apache.spark.sql.functions.unix_millis;
import static org.apache.spark.sql.functions.when;

import java.time.Duration;
import java.util.Arrays;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.plans.logical.EventTimeWatermark;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.MetadataBuilder;

/**
 * Records of Kafka to counts: every record is in exactly one count, so that the counts of a query add up to the records
 * that it read.
 *
 * @param window length of the windows
 * @param slide time from the start of a window to the start of the next; a window is a multiple of it
 * @param lateness how much older than its receipt a counted event may be
 * @param skew how much newer than its receipt a counted event may be
 * @param deadLetters where records that are not counted go as well
 */
record Counts(
        Duration window,
        Duration slide,
        Duration lateness,
        Duration skew,
        Aggregates aggregates,
        DeadLetters deadLetters) {
    static final String WINDOW = "window";
    static final String OUTCOME = Tally.OUTCOME;
    static final String COUNT = "count";
    static final String EVENT_TYPE = Tally.EVENT_TYPE;

    /** Name of the rows of each outcome in the query's progress. */
    static final String OBSERVED = "rows";

    /** Marks a column as event time behind whose watermark windows are closed; that of a typed step's result is lost. */
    private static final Metadata EVENT_TIME =
            new MetadataBuilder().putLong(EventTimeWatermark.delayKey(), 0).build();

    /** Without aggregates and dead letters. */
    Counts(Duration window, Duration slide, Duration lateness, Duration skew) {
        this(window, slide, lateness, skew, Aggregates.NONE, DeadLetters.NONE);
    }

    /**
     * The counts per window, type and outcome.
     *
     * @param records of {@link WatermarkedKafka}, or of Kafka in a batch
     * @return {@code window} (start, end), {@code event_type} (null where malformed), {@code outcome}, {@code count}, and
     *     those of the aggregates
     */
    Dataset<Row> of(Dataset<Row> records) {
        return count(outcomes(records));
    }

    /** @param outcomes rows of {@link Tally#ROW} */
    Dataset<Row> count(Dataset<Row> outcomes) {
        return outcomes.withColumn(Tally.AT, timestamp_millis(col(Tally.AT)).as(Tally.AT, EVENT_TIME))
                .groupBy(functions.window(col(Tally.AT), millis(window), millis(slide)), col(EVENT_TYPE), col(OUTCOME))
                .agg(sum(col(Tally.ROWS)).as(COUNT), aggregates.ofGroup());
    }

    /** Rows of {@link Tally#ROW} with their final outcomes; how many of each is told to the query's listeners. */
    Dataset<Row> outcomes(Dataset<Row> records) {
        return observe(new Duplicates(tally()).mark(tallied(records)));
    }

    private Tally tally() {
        return new Tally(Watermark.step(slide), lateness, skew, aggregates, deadLetters);
    }

    /** Rows of {@link Tally#row}, before it is known which events with an id are duplicates. */
    Dataset<Row> tallied(Dataset<Row> records) {
        Tally tally = tally();
        return records.select(tally.record().stream().map(Counts::column).toArray(Column[]::new))
                .mapPartitions(tally, Encoders.row(tally.row()))
                // Tally has told what the watermark is: an event can neither move it nor be dropped for it
                .withColumn(Tally.MARK, timestamp_millis(col(Tally.MARK)))
                .withWatermark(Tally.MARK, "0 seconds")
                .where(col(Tally.MARK).isNull());
    }

    private static Column column(String name) {
        return name.equals("timestamp") ? unix_millis(col(name)).as(name) : col(name);
    }

    /** Tells the query's listeners how many rows have which outcome. */
    static Dataset<Row> observe(Dataset<Row> rows) {
        Column[] sums = Arrays.stream(Outcome.values()).map(Counts::rowsOf).toArray(Column[]::new);
        return rows.observe(OBSERVED, sums[0], Arrays.copyOfRange(sums, 1, sums.length));
    }

    private static Column rowsOf(Outcome outcome) {
        Column isIt = col(OUTCOME).equalTo(lit(outcome.code()));
        return sum(when(isIt, col(Tally.ROWS)).otherwise(lit(0L))).as(outcome.code());
    }

    private static String millis(Duration duration) {
        return duration.toMillis() + " milliseconds";
    }
}
