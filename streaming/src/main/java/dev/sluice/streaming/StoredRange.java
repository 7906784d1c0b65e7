package dev.sluice.streaming;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;

import java.io.PrintStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * The records of some topics in a range of time. Their offsets are found once, so that who reads them twice reads the
 * same.
 *
 * @param consumer settings of Kafka's consumer
 * @param complete from when on nothing of the range was deleted by Kafka
 */
record StoredRange(
        TimeRange time,
        Set<String> topics,
        Map<String, String> consumer,
        Position start,
        Position end,
        Instant complete) {
    private static final int ATTEMPT_MILLIS = 15_000;
    /** So that a job shows how far it is, and a task is not for hours. */
    private static final long RECORDS_OF_A_TASK = 500_000;

    static StoredRange find(TimeRange time, Set<String> topics, Map<String, String> settings) {
        Map<String, Object> client = new HashMap<>(settings);
        client.put("default.api.timeout.ms", ATTEMPT_MILLIS);
        client.put("request.timeout.ms", ATTEMPT_MILLIS);
        client.put("allow.auto.create.topics", false);
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(client, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = partitions(consumer, topics);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            // behind a younger record there may be an older one
            Instant last = time.to().plus(Watermark.DISORDER);
            return new StoredRange(
                    time,
                    topics,
                    settings,
                    new Position(0, at(time.from(), consumer, ends)),
                    new Position(0, at(last, consumer, ends)),
                    complete(time.from(), consumer, partitions));
        }
    }

    private static Instant complete(Instant from, KafkaConsumer<?, ?> consumer, List<TopicPartition> partitions) {
        Map<TopicPartition, Long> first = consumer.beginningOffsets(partitions);
        Map<TopicPartition, Long> any = partitions.stream().collect(Collectors.toMap(Function.identity(), same -> 0L));
        long complete = from.toEpochMilli();
        for (Map.Entry<TopicPartition, OffsetAndTimestamp> oldest :
                consumer.offsetsForTimes(any).entrySet()) {
            if (first.getOrDefault(oldest.getKey(), 0L) > 0) {
                // of a partition without any record, nobody knows when those were received that are gone
                complete = Math.max(
                        complete,
                        oldest.getValue() == null
                                ? System.currentTimeMillis()
                                : oldest.getValue().timestamp());
            }
        }
        return Instant.ofEpochMilli(complete);
    }

    private static List<TopicPartition> partitions(KafkaConsumer<?, ?> consumer, Set<String> topics) {
        List<TopicPartition> partitions = new ArrayList<>();
        for (String topic : topics) {
            List<PartitionInfo> found = consumer.partitionsFor(topic);
            if (found == null || found.isEmpty()) {
                throw new IllegalStateException("there is no topic " + topic);
            }
            for (int partition = 0; partition < found.size(); partition++) {
                partitions.add(new TopicPartition(topic, partition));
            }
        }
        return partitions;
    }

    /** Offsets of the first records of that time or later; {@code ends} where there are none. */
    private static Map<TopicPartition, Long> at(
            Instant time, KafkaConsumer<?, ?> consumer, Map<TopicPartition, Long> ends) {
        Map<TopicPartition, Long> times =
                ends.keySet().stream().collect(Collectors.toMap(Function.identity(), same -> time.toEpochMilli()));
        Map<TopicPartition, Long> offsets = new HashMap<>(ends);
        for (Map.Entry<TopicPartition, OffsetAndTimestamp> found :
                consumer.offsetsForTimes(times).entrySet()) {
            if (found.getValue() != null) {
                offsets.merge(found.getKey(), found.getValue().offset(), Math::min);
            }
        }
        return offsets;
    }

    /** How many at most: some that are read may be of another time. */
    long records() {
        return end.recordsSince(start);
    }

    /** The columns of Kafka's source, {@code headers} too. */
    Dataset<Row> read(SparkSession spark) {
        Map<String, String> options = new HashMap<>();
        consumer.forEach((name, value) -> options.put("kafka." + name, value));
        return spark.read()
                .format("kafka")
                .options(options)
                .option("subscribe", String.join(",", topics))
                .option("startingOffsets", start.offsetsJson())
                .option("endingOffsets", end.offsetsJson())
                .option("minPartitions", Math.max(1, records() / RECORDS_OF_A_TASK))
                .option("includeHeaders", true)
                .load()
                .where(col("timestamp")
                        .geq(lit(time.from()))
                        .and(col("timestamp").lt(lit(time.to()))));
    }

    /** Does it while {@code out} is told every few seconds how far it is. */
    <T> T shown(SparkSession spark, PrintStream out, java.util.concurrent.Callable<T> work) throws Exception {
        TaskProgress progress = new TaskProgress(out);
        spark.sparkContext().addSparkListener(progress);
        try {
            return work.call();
        } finally {
            spark.sparkContext().removeSparkListener(progress);
        }
    }
}
