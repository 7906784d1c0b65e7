package dev.sluice.streaming;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat_ws;
import static org.apache.spark.sql.functions.unix_millis;

import com.mongodb.ConnectionString;
import java.io.PrintStream;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;

/** A collection of MongoDB, one document for each count; its {@code _id} is the count's key. */
final class MongoTarget implements Target {
    private static final String ID = "_id";

    private final SparkSession spark;
    private final Map<String, String> options;
    private final String database;

    /** @param uri as MongoDB's drivers take it, with user, password and database */
    MongoTarget(SparkSession spark, String uri) {
        this.spark = spark;
        this.database = Objects.requireNonNull(new ConnectionString(uri).getDatabase());
        this.options = Map.of(
                "connection.uri", uri,
                "database", database,
                "collection", "counts",
                // any user may do this, and any server
                "partitioner", "com.mongodb.spark.sql.connector.read.partitioner.SinglePartitionPartitioner",
                "operationType", "replace",
                "writeConcern.w", "majority");
    }

    @Override
    public Dataset<Row> read() {
        return spark.read()
                .format("mongodb")
                .options(options)
                .schema(CassandraScan.SCHEMA)
                .load()
                .select(StoredDays.columns());
    }

    @Override
    public void merge(List<LocalDate> days, Dataset<Row> rows) {
        rows.withColumn(
                        ID,
                        concat_ws(
                                "|",
                                unix_millis(col("window_start")),
                                unix_millis(col("window_end")),
                                col("event_type"),
                                col("outcome")))
                .write()
                .format("mongodb")
                .options(options)
                .mode(SaveMode.Append)
                .save();
    }

    @Override
    public void maintain(PrintStream out) {
        // MongoDB does it itself
    }

    @Override
    public String toString() {
        return "the collection counts of MongoDB's database " + database;
    }
}
