package dev.sluice.streaming;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
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
 * @param aggregates what is summed up beside the number of records
 * @param deadLetters get each record that is not counted
 */
record Tally(Duration step, Duration lateness, Duration skew, Aggregates aggregates, DeadLetters deadLetters)
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

    private static final List<String> RECORD_OF_LETTERS = Stream.concat(
                    RECORD.stream(), Stream.of("key", "topic", DeadLetters.HEADERS))
            .toList();

    /** Before they are handed on: their number is that of the types, which senders choose. */
    private static final int MOST_GROUPS = 10_000;

    private static final int HASH = 31;

    /** The columns that it takes. */
    List<String> record() {
        return deadLetters.areWritten() ? RECORD_OF_LETTERS : RECORD;
    }

    /** The columns of {@link #ROW} and those of the aggregates. */
    StructType tallied() {
        return aggregates.addTo(ROW);
    }

    /**
     * The columns that it gives: where there are dead letters, also the record of an event with an id, which Duplicates
     * may find to be one.
     */
    StructType row() {
        return deadLetters.areWritten() ? DeadLetters.addRecord(tallied()) : tallied();
    }

    /** @param at the start of the step, in milliseconds since 1970 UTC */
    private record Group(@Nullable String type, Outcome outcome, long at) {
        /** Most are of one outcome; a record's own would ask an enum, at several times the cost, once a record. */
        @Override
        public int hashCode() {
            return Objects.hashCode(type) * HASH + Long.hashCode(at);
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Group group
                    && at == group.at
                    && outcome == group.outcome
                    && Objects.equals(type, group.type);
        }
    }

    @Override
    public Iterator<Row> call(Iterator<Row> records) {
        return new Rows(records);
    }

    private final class Rows implements Iterator<Row> {
        private final Iterator<Row> records;
        private final EventReader event = new EventReader(aggregates);
        private final Map<Group, Sums> counts = new HashMap<>();
        private final Queue<Row> ready = new ArrayDeque<>();
        private final LetterWriter letters = deadLetters.writer();
        private final long stepMillis = step.toMillis();
        private final long latenessMillis = lateness.toMillis();
        private final long skewMillis = skew.toMillis();
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
            counts.forEach((group, sums) -> ready.add(tallied(group, sums)));
            counts.clear();
        }

        private void take(Row record) {
            if (record.getInt(PARTITION) == WatermarkedKafka.MARK) {
                watermark = record.getLong(RECEIVED);
                ready.add(filled(List.of(record.getLong(OFFSET))));
            } else {
                takeRecord(record, record.getLong(RECEIVED));
            }
        }

        private void takeRecord(Row record, long received) {
            boolean isEvent = event.read(record.getAs(VALUE));
            Long timestamp = event.timestamp();
            long time = timestamp == null ? received : timestamp;
            Outcome outcome = isEvent ? outcome(time, received) : Outcome.MALFORMED;
            if (outcome != Outcome.COUNTED) {
                letters.write(outcome, record, received);
                sums(new Group(isEvent ? event.type() : null, outcome, receipt(received)))
                        .add();
            } else if (event.id() == null) {
                sums(new Group(event.type(), outcome, startOfStep(time))).add(event);
            } else {
                Sums sums = new Sums(aggregates);
                sums.add(event);
                List<@Nullable Object> row = columns(
                        event.type(), outcome, startOfStep(time), sums.rows(), event.id(), received, receipt(received));
                sums.addTo(row);
                ready.add(deadLetters.withRecord(record, row.toArray()));
            }
        }

        private Outcome outcome(long time, long received) {
            if (time < received - latenessMillis || time < watermark) {
                return Outcome.LATE;
            }
            return time > received + skewMillis ? Outcome.FUTURE : Outcome.COUNTED;
        }

        private Sums sums(Group group) {
            return counts.computeIfAbsent(group, any -> new Sums(aggregates));
        }

        /** The step of a receipt, or the oldest that is still open. */
        private long receipt(long received) {
            return startOfStep(Math.max(received, watermark));
        }

        private long startOfStep(long millis) {
            return Math.floorDiv(millis, stepMillis) * stepMillis;
        }
    }

    private Row tallied(Group group, Sums sums) {
        List<@Nullable Object> row = columns(group.type, group.outcome, group.at, sums.rows(), null, null, null);
        sums.addTo(row);
        return filled(row);
    }

    /** Those of {@link #ROW}. */
    private static List<@Nullable Object> columns(
            @Nullable String type,
            Outcome outcome,
            long at,
            long rows,
            @Nullable String id,
            @Nullable Long received,
            @Nullable Long receipt) {
        return new ArrayList<>(Arrays.asList(null, type, outcome.code(), at, rows, id, received, receipt));
    }

    /** A row of which the other columns are null. */
    private Row filled(List<@Nullable Object> first) {
        return RowFactory.create(Arrays.copyOf(first.toArray(), row().size()));
    }
}
