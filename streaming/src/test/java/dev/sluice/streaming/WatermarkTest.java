package dev.sluice.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class WatermarkTest {
    private static final TopicPartition A = new TopicPartition("events", 0);
    private static final TopicPartition B = new TopicPartition("events", 1);
    private static final long MINUTE = Duration.ofMinutes(1).toMillis();
    private static final long LATENESS = 10 * MINUTE;
    private static final long DISORDER = Watermark.DISORDER.toMillis();
    private static final long NOW = 1_000_000 * MINUTE;

    private final Watermark watermark = new Watermark(Duration.ofMillis(LATENESS), Duration.ofMinutes(1));

    @Test
    void next_nothingStoredForAWhile_followsTheTimeOfDay() {
        assertThat(next(NOW)).isZero();
        assertThat(next(NOW + DISORDER - 1)).isEqualTo(NOW - DISORDER - LATENESS);
        assertThat(next(NOW + DISORDER)).isEqualTo(NOW + DISORDER - LATENESS);
        assertThat(next(NOW + DISORDER + MINUTE - 1)).isEqualTo(NOW + DISORDER - LATENESS);
        assertThat(next(NOW + DISORDER + MINUTE)).isEqualTo(NOW + DISORDER + MINUTE - LATENESS);
    }

    private long next(long now) {
        return watermark.next(0, Map.of(A, 5L), Map.of(A, 5L), now);
    }

    @Test
    void next_neverSeenPartitionWithRecords_stays() {
        assertThat(watermark.next(7, Map.of(A, 5L), Map.of(A, 6L), NOW)).isEqualTo(7);
        assertThat(watermark.next(7, Map.of(A, 5L), Map.of(A, 5L, B, 1L), NOW)).isEqualTo(7);
    }

    @Test
    void next_laggingPartition_holdsItBack() {
        watermark.next(0, Map.of(A, 0L, B, 0L), Map.of(A, 10L, B, 10L), NOW);
        watermark.read(A, NOW - MINUTE);
        watermark.read(B, NOW - 60 * MINUTE);
        assertThat(watermark.next(0, Map.of(A, 10L, B, 5L), Map.of(A, 10L, B, 10L), NOW))
                .isEqualTo(NOW - 60 * MINUTE - DISORDER - LATENESS);
    }

    @Test
    void next_busyPartition_isDisorderBehindTheLastLook() {
        watermark.next(0, Map.of(A, 0L), Map.of(A, 10L), NOW);
        assertThat(watermark.next(0, Map.of(A, 10L), Map.of(A, 20L), NOW + MINUTE))
                .isEqualTo(NOW - DISORDER - LATENESS);
    }

    @Test
    void next_receiptInTheFuture_doesNotCarryItAway() {
        watermark.read(A, NOW + 1_000_000_000);
        assertThat(watermark.next(0, Map.of(A, 1L), Map.of(A, 2L), NOW)).isEqualTo(NOW - DISORDER - LATENESS);
    }

    @Test
    void next_clockSetBack_staysWhereItWas() {
        assertThat(watermark.next(NOW, Map.of(A, 1L), Map.of(A, 1L), NOW)).isEqualTo(NOW);
    }

    @Test
    void step_isTheLongestPartOfTheSlideUpToAMinute() {
        assertThat(Watermark.step(Duration.ofSeconds(10))).isEqualTo(Duration.ofSeconds(10));
        assertThat(Watermark.step(Duration.ofMinutes(1))).isEqualTo(Duration.ofMinutes(1));
        assertThat(Watermark.step(Duration.ofSeconds(90))).isEqualTo(Duration.ofSeconds(45));
        assertThat(Watermark.step(Duration.ofDays(1))).isEqualTo(Duration.ofMinutes(1));
        assertThat(Watermark.step(Duration.ofMillis(7))).isEqualTo(Duration.ofMillis(7));
        assertThat(Watermark.step(Duration.ofMillis(61_001))).isEqualTo(Duration.ofMillis(61_001));
    }

    /** @param quietAt the last look before it was stored at which its partition had been quiet for long enough */
    private record Receipt(long received, long quietAt) {}

    /**
     * Partitions are written in the order of receipts, give or take {@link Watermark#DISORDER}, and read in any portions:
     * no record that is read in a batch was received more than lateness before that batch's watermark, unless it was
     * received before its partition was found quiet, and stored after.
     */
    @Property(tries = 500)
    void next_anyReading_passesNoRecord(@ForAll Random random, @ForAll @IntRange(min = 1, max = 4) int partitions) {
        Watermark any = new Watermark(Duration.ofMillis(LATENESS), Duration.ofMinutes(1));
        Map<TopicPartition, List<Receipt>> log = new HashMap<>();
        Map<TopicPartition, Long> read = new HashMap<>();
        Map<TopicPartition, Long> grewAt = new HashMap<>();
        Map<TopicPartition, Long> quietAt = new HashMap<>();
        for (int i = 0; i < partitions; i++) {
            log.put(new TopicPartition("events", i), new ArrayList<>());
            read.put(new TopicPartition("events", i), 0L);
        }
        long before = NOW;
        long mark = 0;
        for (int batch = 0; batch < 60; batch++) {
            long now = before + random.nextInt((int) MINUTE);
            Map<TopicPartition, Long> ends = new HashMap<>();
            for (Map.Entry<TopicPartition, List<Receipt>> partition : log.entrySet()) {
                if (before - grewAt.getOrDefault(partition.getKey(), NOW) >= DISORDER) {
                    quietAt.put(partition.getKey(), before);
                }
                for (int i = random.nextInt(3) == 0 ? random.nextInt(20) : 0; i > 0; i--) {
                    long received = now - random.nextInt((int) DISORDER);
                    partition
                            .getValue()
                            .add(new Receipt(received, quietAt.getOrDefault(partition.getKey(), Long.MIN_VALUE)));
                    grewAt.put(partition.getKey(), now);
                }
                ends.put(partition.getKey(), (long) partition.getValue().size());
            }
            long next = any.next(mark, read, ends, now);
            assertThat(next).isGreaterThanOrEqualTo(mark);
            for (TopicPartition partition : log.keySet()) {
                long from = read.get(partition);
                long to = from + (long) (random.nextDouble() * (1 + ends.get(partition) - from));
                long newest = Long.MIN_VALUE;
                for (long offset = from; offset < to; offset++) {
                    Receipt receipt = log.get(partition).get((int) offset);
                    assertThat(Math.max(receipt.received, receipt.quietAt) - LATENESS)
                            .isGreaterThanOrEqualTo(mark);
                    newest = Math.max(newest, receipt.received);
                }
                if (to > from) {
                    any.read(partition, newest);
                }
                read.put(partition, to);
            }
            mark = next;
            before = now;
        }
    }
}
