package dev.sluice.streaming;

import java.time.Duration;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.catalog.TableProvider;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.connector.read.streaming.MicroBatchStream;
import org.apache.spark.sql.kafka010.KafkaSourceProvider;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * Spark's source for Kafka, with two things that it lacks: a {@link Watermark} that follows receipts, and a
 * {@link Pace} for backlogs. The same options, and those below; the same columns. The rows of a partition are preceded by
 * one whose {@code partition} is {@link #MARK}: its {@code timestamp} is the watermark of the batch, its {@code offset}
 * that of the next batch in milliseconds.
 */
public final class WatermarkedKafka implements TableProvider {
    /** In the place of a partition's number. */
    static final int MARK = -1;

    /** Milliseconds that the watermark is behind the receipts. */
    static final String LATENESS = "sluice.lateness";

    /** Milliseconds from the start of a window to the start of the next. */
    static final String SLIDE = "sluice.slide";

    /** Milliseconds between two looks at Kafka. */
    static final String TRIGGER = "sluice.trigger";

    private final KafkaSourceProvider kafka = new KafkaSourceProvider();

    @Override
    public StructType inferSchema(CaseInsensitiveStringMap options) {
        return kafka.inferSchema(options);
    }

    @Override
    public Table getTable(StructType schema, Transform[] partitioning, Map<String, String> properties) {
        return new WatermarkedTable((SupportsRead) kafka.getTable(schema, partitioning, properties));
    }

    private record WatermarkedTable(SupportsRead kafka) implements SupportsRead {
        @Override
        public String name() {
            return "watermarked-kafka";
        }

        @Override
        @SuppressWarnings("deprecation") // abstract in the interface all the same
        public StructType schema() {
            return kafka.schema();
        }

        @Override
        public Set<TableCapability> capabilities() {
            return EnumSet.of(TableCapability.MICRO_BATCH_READ);
        }

        @Override
        public ScanBuilder newScanBuilder(CaseInsensitiveStringMap options) {
            Scan scan = kafka.newScanBuilder(options).build();
            return () -> new WatermarkedScan(scan, options);
        }
    }

    private record WatermarkedScan(Scan kafka, CaseInsensitiveStringMap options) implements Scan {
        @Override
        public StructType readSchema() {
            return kafka.readSchema();
        }

        @Override
        public MicroBatchStream toMicroBatchStream(String checkpointLocation) {
            return new WatermarkedStream(
                    kafka.toMicroBatchStream(checkpointLocation),
                    new Watermark(duration(LATENESS), duration(SLIDE)),
                    new Pace(duration(TRIGGER)));
        }

        private Duration duration(String option) {
            return Duration.ofMillis(Long.parseLong(options.get(option)));
        }
    }
}
