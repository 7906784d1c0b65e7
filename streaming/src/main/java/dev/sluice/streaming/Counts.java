package dev.sluice.streaming;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.from_json;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.timestamp_millis;
import static org.apache.spark.sql.functions.unix_millis;
import static org.apache.spark.sql.functions.when;

import dev.sluice.events.Field;
import dev.sluice.events.Limits;
import java.time.Duration;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;

/**
 * Records of Kafka to counts: every record is in exactly one count, so that the counts of a query add up to the records
 * that it read.
 *
 * <p>The receive time, which is the record's own timestamp, decides the outcome, so that a replay decides the same. A
 * record that is not {@code counted} falls into the window of its receipt: the watermark cannot drop it, nor can it
 * move the watermark.
 *
 * @param window length of the tumbling windows
 * @param lateness how much older than its receipt a counted event may be
 * @param skew how much newer than its receipt a counted event may be
 */
record Counts(Duration window, Duration lateness, Duration skew) {
    static final String WINDOW = "window";
    static final String OUTCOME = "outcome";
    static final String COUNT = "count";
    static final String EVENT_TYPE = Field.EVENT_TYPE.wireName();

    private static final String RECEIVED = "received";
    private static final String EVENT_TIME = "event_time";

    /**
     * How much later than a younger record an older one may be stored: a gateway keeps trying for 20 s, clocks of
     * gateways differ, and a batch reads partitions up to different points.
     */
    private static final Duration DELIVERY = Duration.ofMinutes(2);

    /**
     * The counts per window, type and outcome.
     *
     * @param records with {@code value} (bytes) and {@code timestamp} (the receive time), as Kafka's source gives them
     * @return {@code window} (start, end), {@code event_type} (null where malformed), {@code outcome}, {@code count}
     */
    Dataset<Row> of(Dataset<Row> records) {
        return outcomes(records)
                .withWatermark(EVENT_TIME, millis(watermarkDelay()))
                .groupBy(functions.window(col(EVENT_TIME), millis(window)), col(EVENT_TYPE), col(OUTCOME))
                .agg(count(lit(1)).as(COUNT));
    }

    /** Each record's type, id, timestamp (null where it has none), outcome and event time. */
    Dataset<Row> outcomes(Dataset<Row> records) {
        Column event = from_json(col("value").cast("string"), EventSchema.TYPE, EventSchema.OPTIONS);
        return records.select(event.as("event"), unix_millis(col("timestamp")).as(RECEIVED))
                .select("event.*", RECEIVED)
                .withColumn(OUTCOME, outcome())
                .select(
                        when(isOutcome(Outcome.MALFORMED), lit(null))
                                .otherwise(col(EVENT_TYPE))
                                .as(EVENT_TYPE),
                        col(Field.EVENT_ID.wireName()),
                        col(Field.TIMESTAMP.wireName()),
                        col(OUTCOME),
                        timestamp_millis(when(isOutcome(Outcome.COUNTED), eventMillis())
                                        .otherwise(col(RECEIVED)))
                                .as(EVENT_TIME));
    }

    /**
     * The oldest event time that can still be counted lies this much behind the newest: a counted event is up to
     * {@code skew} ahead of its receipt, another up to {@code lateness} behind its own.
     */
    private Duration watermarkDelay() {
        return lateness.plus(skew).plus(DELIVERY);
    }

    private Column outcome() {
        Column timestamp = col(Field.TIMESTAMP.wireName());
        Column malformed = col(EventSchema.CORRUPT)
                .isNotNull()
                .or(col(EVENT_TYPE).isNull())
                .or(timestamp.lt(0))
                .or(timestamp.gt(Limits.MAX_TIMESTAMP));
        return when(malformed, code(Outcome.MALFORMED))
                .when(eventMillis().lt(col(RECEIVED).minus(lateness.toMillis())), code(Outcome.LATE))
                .when(eventMillis().gt(col(RECEIVED).plus(skew.toMillis())), code(Outcome.FUTURE))
                .otherwise(code(Outcome.COUNTED));
    }

    private static Column eventMillis() {
        return coalesce(col(Field.TIMESTAMP.wireName()), col(RECEIVED));
    }

    private static Column isOutcome(Outcome outcome) {
        return col(OUTCOME).equalTo(code(outcome));
    }

    private static Column code(Outcome outcome) {
        return lit(outcome.code());
    }

    private static String millis(Duration duration) {
        return duration.toMillis() + " milliseconds";
    }
}
