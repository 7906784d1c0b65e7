package dev.sluice.streaming;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.stream.Stream;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/**
 * Gives each record of a partition its outcome, and counts those of one type, outcome and step of time together, so that
 * a partition of any size becomes few rows; an event with an id that may be counted stays a row of its own.
 *
 * <p>The receive time, which is the record's own timestamp, decides the outcome, so that a replay decides the same; and
 * the watermark, where it has gone past the event all the same: its windows are closed, and Spark would drop it. What is
 * not {@code counted} falls into the time of its receipt, or into the oldest that is still open.
 *
 * @param step length of the steps of time, of which each window is a multiple
 * @param lateness how much older than its receipt a counted event may be
 * @param skew how much newer than its receipt a counted event may be
 * @param deadLetters get each record that is not counted
 */
record Tally(Duration step, Duration lateness, Duration skew, DeadLetters deadLetters)
        implements MapPartitionsFunction<Row, Row> {
    private static final long serialVersionUID = 1;

    /** Columns of {@link WatermarkedKafka}, in this order; {@code timestamp} in milliseconds since 1970 UTC. */
    private static final List<String> RECORD = List.of("value", "timestamp", "partition", "offset");

    private static final int VALUE = 0;
    private static final int RECEIVED = 1;
    private static final int PARTITION = 2;
    private static final int OFFSET = 3;

    static final String MARK = "mark";
    static final String EVENT_TYPE = "event_type";
    static final String OUTCOME = "outcome";
    static final String AT = "at";
    static final String ROWS = "rows";
    static final String EVENT_ID = "event_id";
    static final String RECEIPT = "receipt";
    static final String RECEIVED_AT = "received";

    /**
     * What it gives: {@code mark}, the watermark of the next batch, in a row of its own; {@code event_type} (null where
     * malformed), {@code outcome}, {@code at}, the start of the step that it falls into, {@code rows}, how many records
     * these are; and of an event with an id also {@code event_id}, {@code received} and {@code receipt}, the step that it
     * falls into should it be a duplicate. Times are in milliseconds since 1970 UTC: as timestamps they would be converted
     * for each row.
     */
    static final StructType ROW = new StructType()
            .add(MARK, DataTypes.LongType)
            .add(EVENT_TYPE, DataTypes.StringType)
            .add(OUTCOME, DataTypes.StringType)
            .add(AT, DataTypes.LongType)
            .add(ROWS, DataTypes.LongType)
            .add(EVENT_ID, DataTypes.StringType)
            .add(RECEIVED_AT, DataTypes.LongType)
            .add(RECEIPT, DataTypes.LongType);

    private static final List<String> RECORD_OF_LETTERS =
            Stream.concat(RECORD.stream(), Stream.of("key", "topic")).toList();

    /** With the record of an event with an id, which Duplicates may find to be a dead letter. */
    private static final StructType ROW_OF_LETTERS = DeadLetters.addRecord(ROW);

    /** Before they are handed on: their number is that of the types, which senders choose. */
    private static final int MOST_GROUPS = 10_000;

    /** The columns that it takes. */
    List<String> record() {
        return deadLetters.areWritten() ? RECORD_OF_LETTERS : RECORD;
    }

    /** The columns that it gives: those of {@link #ROW}, and more where there are dead letters. */
    StructType row() {
        return deadLetters.areWritten() ? ROW_OF_LETTERS : ROW;
    }

    /** @param at the start of the step, in milliseconds since 1970 UTC */
    private record Group(@Nullable String type, Outcome outcome, long at) {}

    @Override
    public Iterator<Row> call(Iterator<Row> records) {
        return new Rows(records);
    }

    private final class Rows implements Iterator<Row> {
        private final Iterator<Row> records;
        private final EventReader event = new EventReader();
        private final Map<Group, Long> counts = new HashMap<>();
        private final Queue<Row> ready = new ArrayDeque<>();
        private final LetterWriter letters = deadLetters.writer();
        private long watermark = Long.MIN_VALUE;

        Rows(Iterator<Row> records) {
            this.records = records;
        }

        @Override
        public boolean hasNext() {
            while (ready.isEmpty() && records.hasNext()) {
                take(records.next());
                if (counts.size() >= MOST_GROUPS) {
                    flush();
                }
            }
            if (ready.isEmpty()) {
                flush();
                letters.await();
            }
            return !ready.isEmpty();
        }

        @Override
        public Row next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            return ready.remove();
        }

        private void flush() {
            counts.forEach((group, count) -> ready.add(tallied(group, count)));
            counts.clear();
        }

        private void take(Row record) {
            if (record.getInt(PARTITION) == WatermarkedKafka.MARK) {
                watermark = record.getLong(RECEIVED);
                ready.add(tallied(record.getLong(OFFSET)));
            } else {
                takeRecord(record, record.getLong(RECEIVED));
            }
        }

        private void takeRecord(Row record, long received) {
            boolean isEvent = event.read(record.getAs(VALUE));
            Long timestamp = event.timestamp();
            long time = timestamp == null ? received : timestamp;
            Outcome outcome = isEvent ? outcome(time, received) : Outcome.MALFORMED;
            long receipt = startOfStep(Math.max(received, watermark));
            if (outcome != Outcome.COUNTED) {
                letters.write(outcome, record, received);
                count(new Group(isEvent ? event.type() : null, outcome, receipt));
            } else if (event.id() == null) {
                count(new Group(event.type(), outcome, startOfStep(time)));
            } else {
                ready.add(deadLetters.withRecord(
                        record,
                        null,
                        event.type(),
                        outcome.code(),
                        startOfStep(time),
                        1L,
                        event.id(),
                        received,
                        receipt));
            }
        }

        private Outcome outcome(long time, long received) {
            if (time < received - lateness.toMillis() || time < watermark) {
                return Outcome.LATE;
            }
            return time > received + skew.toMillis() ? Outcome.FUTURE : Outcome.COUNTED;
        }

        private void count(Group group) {
            counts.merge(group, 1L, Long::sum);
        }
    }

    private long startOfStep(long millis) {
        return Math.floorDiv(millis, step.toMillis()) * step.toMillis();
    }

    private Row tallied(Group group, long count) {
        return tallied(null, group.type, group.outcome.code(), group.at, count);
    }

    /** A row of which the other columns are null. */
    private Row tallied(@Nullable Object... first) {
        return RowFactory.create(Arrays.copyOf(first, row().size()));
    }
}
