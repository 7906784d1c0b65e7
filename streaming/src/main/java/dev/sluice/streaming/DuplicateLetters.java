package dev.sluice.streaming;

import java.util.Arrays;
import java.util.Iterator;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/** Writes the duplicates among the rows of a {@link Tally} as dead letters; what it gives lacks their records. */
record DuplicateLetters(Tally tally) implements MapPartitionsFunction<Row, Row> {
    private static final long serialVersionUID = 1;

    @Override
    public Iterator<Row> call(Iterator<Row> rows) {
        LetterWriter writer = tally.deadLetters().writer();
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                if (rows.hasNext()) {
                    return true;
                }
                writer.await();
                return false;
            }

            @Override
            public Row next() {
                Row row = rows.next();
                if (Outcome.DUPLICATE.code().equals(row.getAs(Tally.OUTCOME))) {
                    writer.write(Outcome.DUPLICATE, row, row.getAs(Tally.RECEIVED_AT));
                }
                return withoutRecord(row);
            }
        };
    }

    private Row withoutRecord(Row row) {
        Object[] columns = new Object[tally.tallied().size()];
        Arrays.setAll(columns, row::get);
        return RowFactory.create(columns);
    }
}
