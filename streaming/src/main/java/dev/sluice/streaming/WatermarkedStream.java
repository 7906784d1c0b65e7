package dev.sluice.streaming;

import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.TopicPartition;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.connector.read.streaming.MicroBatchStream;
import org.apache.spark.sql.connector.read.streaming.Offset;
import org.apache.spark.sql.connector.read.streaming.ReadLimit;
import org.apache.spark.sql.connector.read.streaming.ReportsSourceMetrics;
import org.apache.spark.sql.connector.read.streaming.SupportsAdmissionControl;
import org.apache.spark.sql.kafka010.KafkaBatchInputPartition;
import org.apache.spark.util.CollectionAccumulator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.Tuple2;

/** Plans the batches: Spark's stream of Kafka decides on offsets, this on the watermark and the size. Of one thread. */
final class WatermarkedStream implements MicroBatchStream, SupportsAdmissionControl, ReportsSourceMetrics {
    private static final Logger LOG = LoggerFactory.getLogger(WatermarkedStream.class);
    private static final Duration MISSING = Duration.ofSeconds(30);

    /** Of {@link #metrics}: when the newest record that was read from each partition was received. */
    static final String RECEIPTS = "receipts";

    /** A {@link Position} as Spark writes it into the checkpoint. */
    static final class At extends Offset {
        private final Position position;

        At(Position position) {
            this.position = position;
        }

        @Override
        public String json() {
            return position.json();
        }
    }

    private final MicroBatchStream kafka;
    private final SupportsAdmissionControl limited;
    private final Watermark watermark;
    private final Pace pace;
    /** Of each partition that a batch read, when the newest of its records was received. */
    private final CollectionAccumulator<Tuple2<TopicPartition, Long>> newest;

    private long plannedNanos;
    private long plannedRecords;
    private boolean unreachable;
    private long missingSince;

    WatermarkedStream(MicroBatchStream kafka, Watermark watermark, Pace pace) {
        this.kafka = kafka;
        this.limited = (SupportsAdmissionControl) kafka;
        this.watermark = watermark;
        this.pace = pace;
        this.newest = SparkSession.active().sparkContext().collectionAccumulator("newest receipts");
    }

    @Override
    public Offset initialOffset() {
        return new At(new Position(0, Position.offsets(kafka.initialOffset().json())));
    }

    @Override
    public Offset deserializeOffset(String json) {
        return new At(Position.parse(json));
    }

    /** Spark asks for the limit once, and this wants another for each batch. */
    @Override
    public ReadLimit getDefaultReadLimit() {
        return ReadLimit.allAvailable();
    }

    /**
     * Where the next batch ends; {@code start}, which is no batch, while Kafka does not answer: the query goes on when it
     * does.
     */
    @Override
    public Offset latestOffset(Offset start, ReadLimit unlimited) {
        Position before = position(start);
        noteLastBatch();
        long now = System.currentTimeMillis();
        Position after;
        try {
            Offset end = limited.latestOffset(kafkaOffset(before), ReadLimit.maxRows(pace.limit()));
            Map<TopicPartition, Long> ends =
                    Position.offsets(limited.reportLatestOffset().json());
            long mark = watermark.next(before.watermark(), before.offsets(), ends, now);
            after = new Position(mark, Position.offsets(end.json()));
            reached(true, "");
        } catch (Exception e) { // what Scala throws is not declared
            if (!KafkaTrouble.isPassing(e) && !isMissingForNow(e)) {
                throw e;
            }
            reached(false, KafkaTrouble.reason(e));
            return start;
        }
        plannedRecords = after.recordsSince(before);
        plannedNanos = System.nanoTime();
        return new At(after);
    }

    private void noteReceipts() {
        for (Tuple2<TopicPartition, Long> read : newest.value()) {
            watermark.read(read._1(), read._2());
        }
        newest.reset();
    }

    private void noteLastBatch() {
        noteReceipts();
        pace.took(plannedRecords, System.nanoTime() - plannedNanos);
        plannedRecords = 0;
    }

    /** A broker that has just started may not know of every topic yet. */
    private boolean isMissingForNow(Exception e) {
        if (!KafkaTrouble.isMissingTopic(e)) {
            return false;
        }
        if (missingSince == 0) {
            missingSince = System.nanoTime();
        }
        return System.nanoTime() - missingSince < MISSING.toNanos();
    }

    private void reached(boolean answers, String reason) {
        if (!answers && !unreachable) {
            LOG.warn("Kafka does not answer; counting goes on when it does: {}", reason);
        } else if (answers && unreachable) {
            LOG.warn("Kafka answers again");
        }
        unreachable = !answers;
        missingSince = answers ? 0 : missingSince;
    }

    @Override
    public Offset latestOffset() {
        throw new UnsupportedOperationException("Spark calls the one with a limit");
    }

    @Override
    public Offset reportLatestOffset() {
        return new At(new Position(
                System.currentTimeMillis(),
                Position.offsets(limited.reportLatestOffset().json())));
    }

    @Override
    public Map<String, String> metrics(Optional<Offset> latestConsumed) {
        Map<String, String> metrics = new HashMap<>();
        if (kafka instanceof ReportsSourceMetrics reporting) {
            metrics.putAll(reporting.metrics(latestConsumed.map(consumed -> kafkaOffset(position(consumed)))));
        }
        noteReceipts();
        metrics.put(RECEIPTS, new Position(0, watermark.receipts()).offsetsJson());
        return metrics;
    }

    @Override
    public InputPartition[] planInputPartitions(Offset start, Offset end) {
        Position from = position(start);
        Position to = position(end);
        InputPartition[] records = kafka.planInputPartitions(kafkaOffset(from), kafkaOffset(to));
        if (records.length == 0) {
            return new InputPartition[] {new WatermarkedPartition(from.watermark(), to.watermark(), null)};
        }
        return Arrays.stream(records)
                .map(partition -> new WatermarkedPartition(
                        from.watermark(), to.watermark(), (KafkaBatchInputPartition) partition))
                .toArray(InputPartition[]::new);
    }

    @Override
    public PartitionReaderFactory createReaderFactory() {
        return new WatermarkedPartition.Readers(newest);
    }

    @Override
    public void commit(Offset end) {
        kafka.commit(kafkaOffset(position(end)));
    }

    @Override
    public void stop() {
        kafka.stop();
    }

    @Override
    public String toString() {
        return kafka.toString();
    }

    private Offset kafkaOffset(Position position) {
        return kafka.deserializeOffset(position.offsetsJson());
    }

    private static Position position(Offset offset) {
        return offset instanceof At at ? at.position : Position.parse(offset.json());
    }
}
