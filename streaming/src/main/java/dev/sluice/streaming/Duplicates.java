package dev.sluice.streaming;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Queue;
import org.apache.spark.api.java.function.FlatMapGroupsWithStateFunction;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.expressions.GenericRowWithSchema;
import org.apache.spark.sql.streaming.GroupState;
import org.apache.spark.sql.streaming.GroupStateTimeout;
import org.apache.spark.sql.streaming.OutputMode;

/**
 * Of the events with one id, the first is counted and any other is a {@code duplicate}, until so long after the first that
 * one of the same time would be late. Receipts decide that, not the watermark, which is behind them: batches of another
 * size, or one of all, decide the same. Rows without an id, which are few for each batch, pass, and touch no state.
 *
 * <p>The state is {@link Ids}: of each that was counted, the end of the step that it fell into.
 *
 * @param tally whose rows these are
 */
record Duplicates(Tally tally) implements FlatMapGroupsWithStateFunction<Integer, Row, byte[], Row> {
    private static final long serialVersionUID = 2;

    /** Groups of the rows without an id: enough for all cores. */
    private static final int SPREAD = 1 << 8;

    /** Of one bucket, held at once: senders choose ids, and might send all of them with one. */
    private static final int MOST_ROWS = 50_000;

    private static final int MOST_BYTES = 16 * 1024 * 1024;

    /** @param rows of {@link Tally#row}, with a watermark; the result has the columns of {@link Tally#tallied} */
    Dataset<Row> mark(Dataset<Row> rows) {
        Dataset<Row> marked = rows.groupByKey((MapFunction<Row, Integer>) Duplicates::bucket, Encoders.INT())
                .flatMapGroupsWithState(
                        this,
                        OutputMode.Append(),
                        Encoders.BINARY(),
                        Encoders.row(tally.row()),
                        GroupStateTimeout.EventTimeTimeout());
        return tally.deadLetters().areWritten()
                ? marked.mapPartitions(new DuplicateLetters(tally), Encoders.row(tally.tallied()))
                : marked;
    }

    private static int bucket(Row row) {
        String id = row.getAs(Tally.EVENT_ID);
        return id == null
                ? -1 - Math.floorMod(Objects.hashCode(row.getAs(Tally.EVENT_TYPE)), SPREAD)
                : Ids.Hash.of(id).bucket();
    }

    @Override
    public Iterator<Row> call(Integer bucket, Iterator<Row> rows, GroupState<byte[]> state) {
        return bucket < 0 ? rows : new Marked(rows, state);
    }

    /** Rows of one bucket in the order of their receipts, as far as they may be held at once; none where it timed out. */
    private final class Marked implements Iterator<Row> {
        private final Iterator<Row> rows;
        private final GroupState<byte[]> state;
        private final Ids counted;
        private final Queue<Row> ready = new ArrayDeque<>();
        private final long step = tally.step().toMillis();
        private final long lateness = tally.lateness().toMillis();
        private boolean kept;

        Marked(Iterator<Row> rows, GroupState<byte[]> state) {
            this.rows = rows;
            this.state = state;
            this.counted = state.exists() ? new Ids(state.get(), state.getCurrentWatermarkMs()) : new Ids();
        }

        @Override
        public boolean hasNext() {
            if (ready.isEmpty() && rows.hasNext()) {
                some().forEach(row -> ready.add(mark(row)));
            }
            if (ready.isEmpty() && !kept) {
                kept = true;
                keep();
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

        private List<Row> some() {
            List<Row> some = new ArrayList<>();
            long bytes = 0;
            while (rows.hasNext() && some.size() < MOST_ROWS && bytes < MOST_BYTES) {
                Row row = rows.next();
                some.add(row);
                bytes += tally.deadLetters().bytes(row);
            }
            some.sort(order());
            return some;
        }

        private Row mark(Row row) {
            Ids.Hash id = Ids.Hash.of(row.getAs(Tally.EVENT_ID));
            Long passed = counted.passed(id);
            if (passed != null && row.<Long>getAs(Tally.RECEIVED_AT) < passed + lateness) {
                return duplicate(row);
            }
            counted.add(id, row.<Long>getAs(Tally.AT) + step);
            return row;
        }

        private void keep() {
            if (counted.isEmpty()) {
                state.remove();
            } else {
                state.update(counted.bytes());
                state.setTimeoutTimestamp(counted.earliest());
            }
        }
    }

    /** With dead letters, a batch tried again must find the same duplicates: of two received at once, too. */
    private Comparator<Row> order() {
        Comparator<Row> byReceipt = Comparator.comparing(row -> row.<Long>getAs(Tally.RECEIVED_AT));
        return tally.deadLetters().areWritten() ? byReceipt.thenComparing(DeadLetters.PLACE) : byReceipt;
    }

    private Row duplicate(Row row) {
        Object[] columns = new Object[row.size()];
        Arrays.setAll(columns, row::get);
        columns[row.fieldIndex(Tally.OUTCOME)] = Outcome.DUPLICATE.code();
        columns[row.fieldIndex(Tally.AT)] = row.get(row.fieldIndex(Tally.RECEIPT));
        // it is not counted, and so nothing of it is summed up
        Arrays.fill(columns, Tally.ROW.size(), tally.tallied().size(), null);
        // with its schema, which a typed step behind this one is handed without Spark in between
        return new GenericRowWithSchema(columns, row.schema());
    }
}
