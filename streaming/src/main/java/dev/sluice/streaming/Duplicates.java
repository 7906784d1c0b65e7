package dev.sluice.streaming;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
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
 * <p>The state of an id is the receipt, in milliseconds since 1970 UTC, from which on it is new again.
 *
 * @param tally whose rows these are
 */
record Duplicates(Tally tally) implements FlatMapGroupsWithStateFunction<String, Row, Long, Row> {
    private static final long serialVersionUID = 1;
    private static final char ID = '#';

    /** Of one id, held at once: senders choose ids, and might send all of them with one. */
    private static final int MOST_ROWS = 50_000;

    private static final int MOST_BYTES = 16 * 1024 * 1024;

    /** @param rows of {@link Tally#row}, with a watermark; the result has the columns of {@link Tally#tallied} */
    Dataset<Row> mark(Dataset<Row> rows) {
        Dataset<Row> marked = rows.groupByKey((MapFunction<Row, String>) Duplicates::key, Encoders.STRING())
                .flatMapGroupsWithState(
                        this,
                        OutputMode.Append(),
                        Encoders.LONG(),
                        Encoders.row(tally.row()),
                        GroupStateTimeout.EventTimeTimeout());
        return tally.deadLetters().areWritten()
                ? marked.mapPartitions(new DuplicateLetters(tally), Encoders.row(tally.tallied()))
                : marked;
    }

    private static String key(Row row) {
        String id = row.getAs(Tally.EVENT_ID);
        return id == null ? row.<String>getAs(Tally.OUTCOME) + row.getAs(Tally.EVENT_TYPE) : ID + id;
    }

    @Override
    public Iterator<Row> call(String key, Iterator<Row> rows, GroupState<Long> counted) {
        if (counted.hasTimedOut()) {
            counted.remove();
            return rows;
        }
        return key.charAt(0) == ID ? new Marked(rows, counted) : rows;
    }

    /** Rows of one id in the order of their receipts, as far as they may be held at once. */
    private final class Marked implements Iterator<Row> {
        private final Iterator<Row> rows;
        private final GroupState<Long> counted;
        private final Queue<Row> ready = new ArrayDeque<>();

        Marked(Iterator<Row> rows, GroupState<Long> counted) {
            this.rows = rows;
            this.counted = counted;
        }

        @Override
        public boolean hasNext() {
            if (ready.isEmpty() && rows.hasNext()) {
                some().forEach(row -> ready.add(mark(row)));
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
            long received = row.<Long>getAs(Tally.RECEIVED_AT);
            if (counted.exists() && received < counted.get()) {
                return duplicate(row);
            }
            long passed = row.<Long>getAs(Tally.AT) + tally.step().toMillis();
            counted.update(passed + tally.lateness().toMillis());
            counted.setTimeoutTimestamp(passed);
            return row;
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
