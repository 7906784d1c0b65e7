package dev.sluice.streaming;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.TopicPartition;

/**
 * Up to which event time windows are closed: {@code lateness} behind the time before which no record that is still to be
 * read was received. That time follows the receipts of the partition that is furthest behind, so that neither a sender's
 * clock nor a partition that is read faster than another can close a window early; where nothing was
 * stored for a while it is the time of day, so that an idle topic closes its last window.
 */
final class Watermark {
    /**
     * How much later than a younger record an older one may be stored: a gateway keeps trying for 20 s, and clocks of
     * gateways differ.
     */
    static final Duration DISORDER = Duration.ofMinutes(2);

    private static final long UNKNOWN = Long.MIN_VALUE;
    private static final Duration LONGEST_STEP = Duration.ofMinutes(1);
    private static final Duration SHORTEST_STEP = Duration.ofSeconds(1);

    private final long lateness;
    private final long step;
    private final long quiet;
    private final Map<TopicPartition, Long> newest = new HashMap<>();
    private final Map<TopicPartition, Long> grewAt = new HashMap<>();
    private Map<TopicPartition, Long> endsBefore = Map.of();
    private long lookedBefore = UNKNOWN;

    /**
     * @param lateness how far the watermark is behind the receipts
     * @param slide time from the start of a window to the start of the next
     */
    Watermark(Duration lateness, Duration slide) {
        this.lateness = lateness.toMillis();
        this.quiet = Math.min(this.lateness, DISORDER.toMillis());
        this.step = step(slide).toMillis();
    }

    /**
     * The time that the watermark moves by: the longest of a minute at most of which windows are multiples, so that no
     * idle minute costs more than a batch.
     */
    static Duration step(Duration slide) {
        long whole = slide.toMillis();
        long parts = (whole + LONGEST_STEP.toMillis() - 1) / LONGEST_STEP.toMillis();
        for (; whole / parts >= SHORTEST_STEP.toMillis(); parts++) {
            if (whole % parts == 0) {
                return Duration.ofMillis(whole / parts);
            }
        }
        return slide;
    }

    /** Notes that records of a partition up to one that was received then have been read. */
    void read(TopicPartition partition, long receivedMillis) {
        newest.merge(partition, receivedMillis, Math::max);
    }

    /** What {@link #read} was told, the newest of each partition. */
    Map<TopicPartition, Long> receipts() {
        return Map.copyOf(newest);
    }

    /**
     * Moves on.
     *
     * @param before what this returned the last time, in milliseconds since 1970 UTC
     * @param read offsets of the next records to read
     * @param ends offsets of the next records to be stored, as of {@code now} or later
     * @return {@code before}, or a later multiple of the step
     */
    long next(long before, Map<TopicPartition, Long> read, Map<TopicPartition, Long> ends, long now) {
        long time = now;
        for (Map.Entry<TopicPartition, Long> end : ends.entrySet()) {
            TopicPartition partition = end.getKey();
            if (!end.getValue().equals(endsBefore.get(partition))) {
                grewAt.put(partition, now);
            }
            time = Math.min(time, at(partition, read.getOrDefault(partition, 0L), end.getValue(), now));
        }
        endsBefore = Map.copyOf(ends);
        lookedBefore = now;
        return time == UNKNOWN ? before : Math.max(before, Math.floorDiv(time - lateness, step) * step);
    }

    private long at(TopicPartition partition, long read, long end, long now) {
        if (read >= end && now - grewAt.getOrDefault(partition, now) >= quiet) {
            return now;
        }
        if (read >= endsBefore.getOrDefault(partition, Long.MAX_VALUE)) {
            return lookedBefore - DISORDER.toMillis();
        }
        Long received = newest.get(partition);
        return received == null ? UNKNOWN : Math.min(received, now) - DISORDER.toMillis();
    }
}
