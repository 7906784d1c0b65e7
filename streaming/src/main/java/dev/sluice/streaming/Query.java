package dev.sluice.streaming;

import java.io.PrintStream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Asks Cassandra and the store that counts are moved to as one. */
public final class Query {
    private static final Job<QuerySettings> JOB = new Job<>("The query", QuerySettings::read, Query::run);
    private static final int MOST_SHOWN = 1_000;

    private Query() {}

    public static void main(String[] arguments) {
        JOB.main();
    }

    static void run(SparkSession spark, QuerySettings settings, PrintStream out) {
        OffloadSettings offload = settings.offload();
        Dataset<Row> moved = offload.target(spark).read();
        Cassandra.connectNow(offload.cassandra()).close();
        Dataset<Row> live = CassandraScan.of(spark, offload.cassandra(), CassandraTable.BY_WINDOW)
                .select(StoredDays.columns());
        moved.createOrReplaceTempView("moved");
        live.createOrReplaceTempView("live");
        // of a count that is in both, Cassandra has the latest
        StoredDays.merged(moved, live).createOrReplaceTempView("counts");
        try {
            Dataset<Row> answer =
                    spark.sql(settings.sql()).limit(MOST_SHOWN + 1).cache();
            long rows = answer.count();
            out.print(answer.showString(MOST_SHOWN, 0, false));
            out.println(
                    rows > MOST_SHOWN
                            ? "the first " + MOST_SHOWN + " rows; LIMIT or count for the rest"
                            : rows == 1 ? "1 row" : rows + " rows");
        } finally {
            CassandraScan.close(offload.cassandra());
        }
    }
}
