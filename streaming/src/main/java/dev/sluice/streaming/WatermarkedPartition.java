package dev.sluice.streaming;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.TopicPartition;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.connector.metric.CustomTaskMetric;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.util.CollectionAccumulator;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;

/**
 * The records of one partition in one batch, behind a row that tells the watermark.
 *
 * @param before the watermark of the batch, in milliseconds since 1970 UTC
 * @param after the watermark of the next batch
 * @param records null where there are none
 */
record WatermarkedPartition(
        long before, long after, @Nullable InputPartition records) implements InputPartition {
    private static final long serialVersionUID = 1;

    /** Columns of Kafka's source: key, value, topic, partition, offset, timestamp, timestampType, headers. */
    private static final int TOPIC = 2;

    private static final int PARTITION = 3;
    private static final int OFFSET = 4;
    private static final int TIMESTAMP = 5;
    private static final int COLUMNS = 8;

    @Override
    public String[] preferredLocations() {
        return records == null ? new String[0] : records.preferredLocations();
    }

    private InternalRow markRow() {
        Object[] row = new Object[COLUMNS];
        row[PARTITION] = WatermarkedKafka.MARK;
        row[OFFSET] = after;
        row[TIMESTAMP] = TimeUnit.MILLISECONDS.toMicros(before);
        return new GenericInternalRow(row);
    }

    /** @param newest is told when the newest record of each partition was received */
    record Readers(PartitionReaderFactory kafka, CollectionAccumulator<Tuple2<TopicPartition, Long>> newest)
            implements PartitionReaderFactory {
        private static final long serialVersionUID = 1;

        @Override
        public PartitionReader<InternalRow> createReader(InputPartition partition) {
            WatermarkedPartition clocked = (WatermarkedPartition) partition;
            return new Reader(
                    clocked.markRow(), clocked.records == null ? null : kafka.createReader(clocked.records), newest);
        }
    }

    private static final class Reader implements PartitionReader<InternalRow> {
        private final @Nullable PartitionReader<InternalRow> records;
        private final CollectionAccumulator<Tuple2<TopicPartition, Long>> newest;
        private InternalRow row;
        private boolean markTold;
        private @Nullable TopicPartition partition;
        private long newestMicros = Long.MIN_VALUE;

        Reader(
                InternalRow mark,
                @Nullable PartitionReader<InternalRow> records,
                CollectionAccumulator<Tuple2<TopicPartition, Long>> newest) {
            this.row = mark;
            this.records = records;
            this.newest = newest;
        }

        @Override
        public boolean next() throws IOException {
            if (!markTold) {
                markTold = true;
                return true;
            }
            if (records == null || !records.next()) {
                return false;
            }
            row = records.get();
            newestMicros = Math.max(newestMicros, row.getLong(TIMESTAMP));
            if (partition == null) {
                partition = new TopicPartition(row.getUTF8String(TOPIC).toString(), row.getInt(PARTITION));
            }
            return true;
        }

        @Override
        public InternalRow get() {
            return row;
        }

        @Override
        public CustomTaskMetric[] currentMetricsValues() {
            return records == null ? new CustomTaskMetric[0] : records.currentMetricsValues();
        }

        @Override
        public void close() throws IOException {
            if (partition != null) {
                newest.add(new Tuple2<>(partition, TimeUnit.MICROSECONDS.toMillis(newestMicros)));
            }
            if (records != null) {
                records.close();
            }
        }
    }
}
