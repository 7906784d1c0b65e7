package dev.sluice.streaming;

import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.TopicPartition;

/** How far the query is behind Kafka in each partition, as of the last look that Kafka answered. */
final class Lag {
    private static final long UNKNOWN = Long.MIN_VALUE;

    /** @param since nothing that is left was stored before, in milliseconds since 1970 UTC */
    private record Behind(long records, long since) {}

    private final Map<TopicPartition, Behind> partitions = new ConcurrentHashMap<>();

    /**
     * Notes a look at Kafka.
     *
     * @param latest what was stored next at {@code millis}
     * @param end what is read next
     * @param receipts of the newest record that was read from each partition
     */
    void look(
            Map<TopicPartition, Long> latest,
            Map<TopicPartition, Long> end,
            Map<TopicPartition, Long> receipts,
            long millis) {
        latest.forEach((partition, stored) -> {
            long left = Math.max(0, stored - end.getOrDefault(partition, 0L));
            partitions.compute(partition, (key, before) -> {
                long read = receipts.getOrDefault(partition, UNKNOWN);
                long since = before == null ? read : Math.max(before.since, read);
                return new Behind(left, left == 0 ? millis : since);
            });
        });
    }

    Set<TopicPartition> partitions() {
        return partitions.keySet();
    }

    /** Records that are left to read in all partitions. */
    long records() {
        return partitions.values().stream().mapToLong(Behind::records).sum();
    }

    /** Every record that was stored before, in milliseconds since 1970 UTC, has been read; nothing where that is not known. */
    OptionalLong completeUntil() {
        OptionalLong least =
                partitions.values().stream().mapToLong(Behind::since).min();
        return least.isPresent() && least.getAsLong() == UNKNOWN ? OptionalLong.empty() : least;
    }

    /** Not a number where there was no look yet. */
    double records(TopicPartition partition) {
        Behind behind = partitions.get(partition);
        return behind == null ? Double.NaN : behind.records;
    }

    /**
     * How old what is left is at most: the time since the partition was seen with nothing left, or since the receipt of the
     * newest record that was read, whichever is shorter. 0 where nothing is left; not a number where neither is known.
     */
    double seconds(TopicPartition partition, long now) {
        Behind behind = partitions.get(partition);
        if (behind == null || behind.since == UNKNOWN) {
            return Double.NaN;
        }
        return behind.records == 0 ? 0 : Math.max(0, now - behind.since) / 1e3;
    }
}
