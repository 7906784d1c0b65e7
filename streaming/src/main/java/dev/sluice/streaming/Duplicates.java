package dev.sluice.streaming;

import java.sql.Timestamp;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.FlatMapGroupsWithStateFunction;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.streaming.GroupState;
import org.apache.spark.sql.streaming.GroupStateTimeout;
import org.apache.spark.sql.streaming.OutputMode;

/**
 * Of the events with one id, the first is counted and any other is a {@code duplicate}, as long as the watermark has not
 * gone past the first: any later one of the same time is late by then. Rows without an id, which are few for each batch,
 * pass, and touch no state.
 *
 * @param step see {@link Tally}
 */
record Duplicates(Duration step) implements FlatMapGroupsWithStateFunction<String, Row, Boolean, Row> {
    private static final long serialVersionUID = 1;
    private static final char ID = '#';

    /** @param rows of {@link Tally#ROW}, with a watermark; the result is of the same columns */
    Dataset<Row> mark(Dataset<Row> rows) {
        return rows.groupByKey((MapFunction<Row, String>) Duplicates::key, Encoders.STRING())
                .flatMapGroupsWithState(
                        this,
                        OutputMode.Append(),
                        Encoders.BOOLEAN(),
                        Encoders.row(Tally.ROW),
                        GroupStateTimeout.EventTimeTimeout());
    }

    private static String key(Row row) {
        String id = row.getAs(Tally.EVENT_ID);
        return id == null ? row.<String>getAs(Tally.OUTCOME) + row.getAs(Tally.EVENT_TYPE) : ID + id;
    }

    @Override
    public Iterator<Row> call(String key, Iterator<Row> rows, GroupState<Boolean> counted) {
        if (counted.hasTimedOut()) {
            counted.remove();
            return rows;
        }
        return key.charAt(0) == ID ? mark(rows, counted) : rows;
    }

    private Iterator<Row> mark(Iterator<Row> rows, GroupState<Boolean> counted) {
        List<Row> sorted = new ArrayList<>();
        rows.forEachRemaining(sorted::add);
        sorted.sort(Comparator.comparing(row -> row.<Timestamp>getAs(Tally.RECEIVED_AT)));
        List<Row> marked = new ArrayList<>(sorted.size());
        for (Row row : sorted) {
            if (counted.exists()) {
                marked.add(duplicate(row));
            } else {
                counted.update(true);
                counted.setTimeoutTimestamp(row.<Timestamp>getAs(Tally.AT).getTime() + step.toMillis());
                marked.add(row);
            }
        }
        return marked.iterator();
    }

    private static Row duplicate(Row row) {
        return RowFactory.create(
                null,
                row.getAs(Tally.EVENT_TYPE),
                Outcome.DUPLICATE.code(),
                row.getAs(Tally.RECEIPT),
                row.getAs(Tally.ROWS),
                row.getAs(Tally.EVENT_ID),
                row.getAs(Tally.RECEIVED_AT),
                row.getAs(Tally.RECEIPT));
    }
}
