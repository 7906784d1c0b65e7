package dev.sluice.streaming;

import com.datastax.oss.driver.api.core.cql.Row;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/**
 * All rows of a table, read side by side: each task pages through a part of the ring, by the same session as the sink's
 * (certificates, credentials, data centre), so that there is one driver and one place to configure it.
 */
final class CassandraScan implements MapPartitionsFunction<Long, org.apache.spark.sql.Row> {
    private static final long serialVersionUID = 1;

    /** When the row was written, in microseconds since 1970 UTC. */
    static final String WRITTEN = "written";

    static final StructType SCHEMA = new StructType()
            .add("window_start", DataTypes.TimestampType)
            .add("window_end", DataTypes.TimestampType)
            .add("event_type", DataTypes.StringType)
            .add("outcome", DataTypes.StringType)
            .add("count", DataTypes.LongType)
            .add("distinct_count", DataTypes.LongType)
            .add("sum", DataTypes.DoubleType)
            .add("min", DataTypes.DoubleType)
            .add("max", DataTypes.DoubleType)
            .add("p50", DataTypes.DoubleType)
            .add("p95", DataTypes.DoubleType)
            .add("p99", DataTypes.DoubleType)
            .add(WRITTEN, DataTypes.LongType);

    /** Of the ring: each is a task, and what is read anew when one fails. */
    private static final int PARTS = 16;

    private static final long SPAN = -(Long.MIN_VALUE / (PARTS / 2));

    private static final Map<CassandraSettings, Cassandra> OPEN = new ConcurrentHashMap<>();

    private final CassandraSettings settings;
    private final CassandraTable table;

    private CassandraScan(CassandraSettings settings, CassandraTable table) {
        this.settings = settings;
        this.table = table;
    }

    /** Rows of {@link #SCHEMA}; each run of it reads the table anew. */
    static Dataset<org.apache.spark.sql.Row> of(SparkSession spark, CassandraSettings settings, CassandraTable table) {
        return spark.range(0, PARTS, 1, PARTS).mapPartitions(new CassandraScan(settings, table), Encoders.row(SCHEMA));
    }

    /** Ends what the tasks of this process have opened; an executor's ends with it. */
    static void close(CassandraSettings settings) {
        Cassandra open = OPEN.remove(settings);
        if (open != null) {
            open.close();
        }
    }

    /** No rows. */
    static Dataset<org.apache.spark.sql.Row> none(SparkSession spark) {
        return spark.createDataFrame(List.of(), SCHEMA);
    }

    @Override
    public Iterator<org.apache.spark.sql.Row> call(Iterator<Long> parts) {
        if (!parts.hasNext()) {
            return Collections.emptyIterator();
        }
        // a session is connections to each node: the tasks of a process share one
        Cassandra cassandra = OPEN.computeIfAbsent(settings, Cassandra::connectAgain);
        long part = parts.next();
        long after = Long.MIN_VALUE + part * SPAN;
        long upTo = part == PARTS - 1 ? Long.MAX_VALUE : after + SPAN;
        Iterator<Row> rows = cassandra.rows(table, after, upTo);
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return rows.hasNext();
            }

            @Override
            public org.apache.spark.sql.Row next() {
                return row(rows.next());
            }
        };
    }

    private static org.apache.spark.sql.Row row(Row row) {
        return RowFactory.create(
                timestamp(row, "window_start"),
                timestamp(row, "window_end"),
                row.getString("event_type"),
                row.getString("outcome"),
                row.getLong("count"),
                row.get("distinct_count", Long.class),
                number(row, "sum"),
                number(row, "min"),
                number(row, "max"),
                number(row, "p50"),
                number(row, "p95"),
                number(row, "p99"),
                row.get(WRITTEN, Long.class));
    }

    private static Timestamp timestamp(Row row, String column) {
        Instant time = Objects.requireNonNull(row.getInstant(column));
        return Timestamp.from(time);
    }

    private static @Nullable Double number(Row row, String column) {
        return row.get(column, Double.class);
    }
}
