package dev.sluice.streaming;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.to_date;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.time.LocalDate;
import java.util.List;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;

/**
 * Plain Parquet files in a folder for each day. Days are replaced one after another, so who reads meanwhile may see one
 * without its rows, and a run that ends early leaves some for the next one.
 */
final class ParquetTarget implements Target {
    private static final String DAY = "day";

    private final SparkSession spark;
    private final String path;

    ParquetTarget(SparkSession spark, String path) {
        this.spark = spark;
        this.path = path + "/sluice/counts-parquet";
        spark.conf().set("spark.sql.sources.partitionOverwriteMode", "dynamic");
    }

    @Override
    public Dataset<Row> read() {
        return (exists() ? spark.read().schema(CassandraScan.SCHEMA).parquet(path) : CassandraScan.none(spark))
                .select(StoredDays.columns());
    }

    @Override
    public void merge(List<LocalDate> days, Dataset<Row> rows) {
        StoredDays.merged(read().where(StoredDays.isIn(days)), rows)
                .withColumn(DAY, to_date(col("window_start")))
                .repartition(col(DAY))
                .sortWithinPartitions(DAY, "event_type", "window_start")
                .write()
                .mode(SaveMode.Overwrite)
                .partitionBy(DAY)
                .parquet(path);
    }

    @Override
    public void maintain(PrintStream out) {
        // a day is one file
    }

    @Override
    public String toString() {
        return "Parquet files under " + path;
    }

    private boolean exists() {
        Path folder = new Path(path);
        try {
            return folder.getFileSystem(spark.sparkContext().hadoopConfiguration())
                            .globStatus(new Path(folder, DAY + "=*"))
                            .length
                    > 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
