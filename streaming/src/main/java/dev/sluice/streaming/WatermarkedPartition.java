package dev.sluice.streaming;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.kafka010.KafkaBatchInputPartition;
import org.apache.spark.sql.kafka010.KafkaOffsetRange;
import org.apache.spark.sql.kafka010.consumer.KafkaDataConsumer;
import org.apache.spark.unsafe.types.UTF8String;
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
        long before, long after, @Nullable KafkaBatchInputPartition records) implements InputPartition {
    private static final long serialVersionUID = 2;

    /** Columns of Kafka's source. */
    private static final int KEY = 0;

    private static final int VALUE = 1;
    private static final int TOPIC = 2;
    private static final int PARTITION = 3;
    private static final int OFFSET = 4;
    private static final int TIMESTAMP = 5;
    private static final int TIMESTAMP_TYPE = 6;
    /** Of its headers, those of a trace; null where it has none, or they are not asked for. */
    private static final int HEADERS = 7;

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
    record Readers(CollectionAccumulator<Tuple2<TopicPartition, Long>> newest) implements PartitionReaderFactory {
        private static final long serialVersionUID = 2;

        @Override
        public PartitionReader<InternalRow> createReader(InputPartition partition) {
            WatermarkedPartition clocked = (WatermarkedPartition) partition;
            return new Reader(clocked.markRow(), clocked.records == null ? null : new Records(clocked.records), newest);
        }
    }

    private static final class Reader implements PartitionReader<InternalRow> {
        private final @Nullable Records records;
        private final CollectionAccumulator<Tuple2<TopicPartition, Long>> newest;
        private InternalRow row;
        private boolean markTold;

        Reader(
                InternalRow mark,
                @Nullable Records records,
                CollectionAccumulator<Tuple2<TopicPartition, Long>> newest) {
            this.row = mark;
            this.records = records;
            this.newest = newest;
        }

        @Override
        public boolean next() {
            if (!markTold) {
                markTold = true;
                return true;
            }
            if (records == null || !records.next()) {
                return false;
            }
            row = records.row;
            return true;
        }

        @Override
        public InternalRow get() {
            return row;
        }

        @Override
        public void close() {
            if (records == null) {
                return;
            }
            if (records.newestMillis > Long.MIN_VALUE) {
                newest.add(new Tuple2<>(records.range.topicPartition(), records.newestMillis));
            }
            records.consumer.release();
        }
    }

    /**
     * The records of a range of offsets, by Spark's pooled consumers: as KafkaBatchPartitionReader of Spark does it, but
     * that a row holds what the consumer gave, where Spark copies each record once more.
     */
    private static final class Records {
        private final KafkaOffsetRange range;
        private final long pollTimeoutMs;
        private final boolean failOnDataLoss;
        private final boolean includeHeaders;
        private final KafkaDataConsumer consumer;
        private final GenericInternalRow row = new GenericInternalRow(COLUMNS);
        private long nextOffset;
        private long newestMillis = Long.MIN_VALUE;

        Records(KafkaBatchInputPartition partition) {
            this.range = partition.offsetRange();
            this.pollTimeoutMs = partition.pollTimeoutMs();
            this.failOnDataLoss = partition.failOnDataLoss();
            this.includeHeaders = partition.includeHeaders();
            this.consumer = KafkaDataConsumer.acquire(range.topicPartition(), partition.executorKafkaParams());
            this.nextOffset = range.fromOffset();
            row.update(TOPIC, UTF8String.fromString(range.topic()));
            row.update(PARTITION, range.partition());
        }

        boolean next() {
            if (nextOffset >= range.untilOffset()) {
                return false;
            }
            ConsumerRecord<byte[], byte[]> record =
                    consumer.get(nextOffset, range.untilOffset(), pollTimeoutMs, failOnDataLoss);
            if (record == null) { // no more, of which Spark has said what it thinks
                return false;
            }
            nextOffset = record.offset() + 1;
            newestMillis = Math.max(newestMillis, record.timestamp());
            row.update(KEY, record.key());
            row.update(VALUE, record.value());
            row.update(OFFSET, record.offset());
            row.update(TIMESTAMP, TimeUnit.MILLISECONDS.toMicros(record.timestamp()));
            row.update(TIMESTAMP_TYPE, record.timestampType().id);
            row.update(HEADERS, includeHeaders ? trace(record.headers()) : null);
            return true;
        }

        private static @Nullable ArrayData trace(Headers headers) {
            List<InternalRow> trace = new ArrayList<>();
            for (Header header : headers) {
                if (DeadLetters.TRACE.contains(header.key())) {
                    trace.add(
                            new GenericInternalRow(new Object[] {UTF8String.fromString(header.key()), header.value()}));
                }
            }
            return trace.isEmpty() ? null : new GenericArrayData(trace.toArray());
        }
    }
}
