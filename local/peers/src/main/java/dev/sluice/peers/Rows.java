package dev.sluice.peers;

import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerInterceptor;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * Says on standard output how many records all consumers of the process have read, as {@code ROWS 1234}. Kafka Streams
 * reads each record twice, the second time from the topic that it groups by: it is that one which counts.
 */
public final class Rows implements ConsumerInterceptor<Object, Object> {
    private static final AtomicLong ROWS = new AtomicLong();
    private static final String GROUPED = "-repartition";

    private boolean groups;

    @Override
    public void configure(Map<String, ?> configs) {
        groups = configs.containsKey(GROUPS);
    }

    /** Set where records are read twice. */
    static final String GROUPS = "sluice.groups";

    @Override
    public ConsumerRecords<Object, Object> onConsume(ConsumerRecords<Object, Object> records) {
        long read = 0;
        for (TopicPartition partition : records.partitions()) {
            if (!groups || partition.topic().endsWith(GROUPED)) {
                read += count(records, partition);
            }
        }
        if (read > 0) {
            System.out.println("ROWS " + ROWS.addAndGet(read));
        }
        return records;
    }

    private static int count(ConsumerRecords<Object, Object> records, TopicPartition partition) {
        return records.records(partition).size();
    }

    @Override
    public void onCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {}

    @Override
    public void close() {}
}
