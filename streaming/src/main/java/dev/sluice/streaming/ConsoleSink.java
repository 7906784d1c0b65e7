package dev.sluice.streaming;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.date_format;
import static org.apache.spark.sql.functions.lit;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.apache.spark.api.java.function.VoidFunction2;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * Shows the counts that a batch changed, sorted, at full width, in UTC. Spark's own console sink can sort no update
 * and prints a table for a batch without rows.
 */
final class ConsoleSink implements VoidFunction2<Dataset<Row>, Long> {
    private static final long serialVersionUID = 1;
    private static final int MOST_ROWS = 10_000;
    /** What rows are counted by; the other columns are counts and aggregates. */
    private static final Set<String> GROUP = Set.of(Counts.WINDOW, Counts.EVENT_TYPE, Counts.OUTCOME);

    private static final String TIME = "yyyy-MM-dd HH:mm:ss";

    private final transient PrintStream out;
    private final int mostRows;
    private final Set<Outcome> explained = EnumSet.of(Outcome.COUNTED);

    ConsoleSink(PrintStream out) {
        this(out, MOST_ROWS);
    }

    /** @param mostRows of one table: all of them are in memory */
    ConsoleSink(PrintStream out, int mostRows) {
        this.out = out;
        this.mostRows = mostRows;
    }

    @Override
    public void call(Dataset<Row> counts, Long batch) {
        Dataset<Row> table = table(counts);
        List<Row> rows = table.limit(mostRows + 1).collectAsList();
        if (rows.isEmpty()) {
            return;
        }
        StringBuilder text = new StringBuilder();
        // rows that are here already: showing them is no second job
        Dataset<Row> fetched = counts.sparkSession().createDataFrame(rows, table.schema());
        text.append(fetched.showString(mostRows, 0, false));
        for (Outcome outcome : Outcome.values()) {
            boolean shown = rows.stream().anyMatch(row -> outcome.code().equals(row.getAs(Counts.OUTCOME)));
            if (shown && explained.add(outcome)) {
                text.append(outcome.code())
                        .append(": ")
                        .append(outcome.meaning())
                        .append(".\n");
            }
        }
        out.print(text);
        out.flush();
    }

    private static Dataset<Row> table(Dataset<Row> counts) {
        List<Column> columns = new ArrayList<>(List.of(
                date_format(col(Counts.WINDOW + ".start"), TIME).as("window start (UTC)"),
                date_format(col(Counts.WINDOW + ".end"), TIME).as("window end (UTC)"),
                coalesce(col(Counts.EVENT_TYPE), lit("-")).as(Counts.EVENT_TYPE),
                col(Counts.OUTCOME)));
        Arrays.stream(counts.columns()).filter(name -> !GROUP.contains(name)).forEach(name -> columns.add(col(name)));
        return counts.orderBy(col(Counts.WINDOW), col(Counts.EVENT_TYPE), col(Counts.OUTCOME))
                .select(columns.toArray(Column[]::new));
    }
}
