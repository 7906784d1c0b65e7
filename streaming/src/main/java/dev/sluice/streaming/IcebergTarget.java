package dev.sluice.streaming;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.days;

import java.io.PrintStream;
import java.time.LocalDate;
import java.util.List;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.actions.DeleteOrphanFiles;
import org.apache.iceberg.actions.ExpireSnapshots;
import org.apache.iceberg.actions.RewriteDataFiles;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.ValidationException;
import org.apache.iceberg.spark.Spark3Util;
import org.apache.iceberg.spark.actions.SparkActions;
import org.apache.spark.sql.CreateTableWriter;
import org.apache.spark.sql.DataFrameWriterV2;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.catalyst.analysis.TableAlreadyExistsException;
import org.apache.spark.sql.catalyst.parser.ParseException;
import scala.collection.JavaConverters;

/**
 * A table of Apache Iceberg, partitioned by day. The days of a merge are replaced whole, in one commit, which fails where
 * somebody else has changed them meanwhile.
 */
final class IcebergTarget implements Target {
    private static final String CATALOG = "lake";
    private static final String NAMESPACE = "sluice";
    static final String TABLE = CATALOG + "." + NAMESPACE + ".counts";

    private static final String SPARK_CATALOG = "spark.sql.catalog." + CATALOG;

    private final SparkSession spark;
    private final String place;

    /** @param path of the tables, where no other catalog is configured */
    IcebergTarget(SparkSession spark, String path) {
        this.spark = spark;
        if (spark.conf().getOption(SPARK_CATALOG + ".type").isEmpty()
                && spark.conf().getOption(SPARK_CATALOG + ".catalog-impl").isEmpty()) {
            spark.conf().set(SPARK_CATALOG + ".type", "hadoop");
            spark.conf().set(SPARK_CATALOG + ".warehouse", path);
            place = path + "/" + NAMESPACE + "/counts";
        } else {
            place = TABLE;
        }
        spark.conf().set(SPARK_CATALOG, "org.apache.iceberg.spark.SparkCatalog");
    }

    @Override
    public Dataset<Row> read() {
        return exists() ? spark.table(TABLE) : CassandraScan.none(spark).select(StoredDays.columns());
    }

    @Override
    public void merge(List<LocalDate> days, Dataset<Row> rows) {
        Dataset<Row> merged = StoredDays.merged(read().where(StoredDays.isIn(days)), rows);
        try {
            if (exists()) {
                DataFrameWriterV2<Row> writer = merged.writeTo(TABLE).option("isolation-level", "serializable");
                Snapshot snapshot = table().currentSnapshot();
                if (snapshot != null) {
                    writer.option("validate-from-snapshot-id", Long.toString(snapshot.snapshotId()));
                }
                writer.overwritePartitions();
            } else {
                created(merged.writeTo(TABLE)).create();
            }
        } catch (NoSuchTableException | TableAlreadyExistsException | ValidationException e) {
            throw new IllegalStateException("somebody else writes to " + this + ": " + e.getMessage(), e);
        }
    }

    private static CreateTableWriter<Row> created(DataFrameWriterV2<Row> writer) {
        return writer.using("iceberg")
                .partitionedBy(days(col("window_start")), JavaConverters.asScalaBuffer(List.of()))
                .tableProperty("format-version", "2")
                // a writer holds a row group in memory
                .tableProperty("write.parquet.row-group-size-bytes", Integer.toString(16 << 20))
                .tableProperty("write.metadata.delete-after-commit.enabled", "true")
                .tableProperty("write.metadata.previous-versions-max", "20");
    }

    /** Small files into large ones; snapshots and files that nobody needs any more, after Iceberg's own times. */
    @Override
    public void maintain(PrintStream out) {
        SparkActions actions = SparkActions.get(spark);
        RewriteDataFiles.Result compacted =
                actions.rewriteDataFiles(table()).option("min-input-files", "2").execute();
        ExpireSnapshots.Result expired = actions.expireSnapshots(table()).execute();
        DeleteOrphanFiles.Result orphans = actions.deleteOrphanFiles(table()).execute();
        out.printf(
                "Maintained: %,d data files made into %,d, %,d files of old snapshots and %,d of runs that ended early deleted%n",
                compacted.rewrittenDataFilesCount(),
                compacted.addedDataFilesCount(),
                expired.deletedDataFilesCount() + expired.deletedManifestsCount() + expired.deletedManifestListsCount(),
                orphans.orphanFilesCount());
    }

    private boolean exists() {
        return Spark3Util.loadIcebergCatalog(spark, CATALOG).tableExists(TableIdentifier.of(NAMESPACE, "counts"));
    }

    private Table table() {
        try {
            return Spark3Util.loadIcebergTable(spark, TABLE);
        } catch (NoSuchTableException | ParseException e) {
            throw new IllegalStateException(this + ": " + e.getMessage(), e);
        }
    }

    @Override
    public String toString() {
        return "the Iceberg table " + place;
    }
}
