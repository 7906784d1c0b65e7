package dev.sluice.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class LagTest {
    private static final TopicPartition PARTITION = new TopicPartition("events", 0);

    private final Lag lag = new Lag();

    @Test
    void look_nothingLeft_isZero() {
        look(5, 5, Map.of(), 1_000);
        assertThat(lag.records(PARTITION)).isZero();
        assertThat(lag.seconds(PARTITION, 9_000)).isZero();
    }

    @Test
    void look_somethingLeft_isAsOldAsTheLastLookWithoutAtMost() {
        look(5, 5, Map.of(PARTITION, 500L), 1_000);
        look(9, 5, Map.of(PARTITION, 500L), 2_000);
        look(9, 6, Map.of(PARTITION, 500L), 3_000);
        assertThat(lag.records(PARTITION)).isEqualTo(3);
        assertThat(lag.seconds(PARTITION, 4_500)).isEqualTo(3.5);
    }

    @Test
    void completeUntil_ofTwoPartitions_isThatOfTheOneBehind() {
        TopicPartition other = new TopicPartition("events", 1);
        assertThat(lag.completeUntil()).isEmpty();
        lag.look(Map.of(PARTITION, 5L, other, 9L), Map.of(PARTITION, 5L, other, 7L), Map.of(), 1_000);
        assertThat(lag.completeUntil()).isEmpty();
        lag.look(Map.of(PARTITION, 5L, other, 9L), Map.of(PARTITION, 5L, other, 8L), Map.of(other, 700L), 2_000);
        assertThat(lag.completeUntil()).hasValue(700);
        assertThat(lag.records()).isEqualTo(1);
        lag.look(Map.of(PARTITION, 5L, other, 9L), Map.of(PARTITION, 5L, other, 9L), Map.of(other, 800L), 3_000);
        assertThat(lag.completeUntil()).hasValue(3_000);
    }

    @Test
    void look_backlogFromBeforeTheStart_isAsOldAsTheNewestRecordThatWasRead() {
        look(9, 5, Map.of(), 10_000);
        assertThat(lag.records(PARTITION)).isEqualTo(4);
        assertThat(lag.seconds(PARTITION, 10_000)).isNaN();
        look(9, 6, Map.of(PARTITION, 4_000L), 11_000);
        assertThat(lag.seconds(PARTITION, 11_000)).isEqualTo(7);
        look(9, 8, Map.of(PARTITION, 9_000L), 12_000);
        assertThat(lag.seconds(PARTITION, 12_000)).isEqualTo(3);
    }

    @Test
    void look_partitionAdded_isThereFromThenOn() {
        TopicPartition added = new TopicPartition("events", 1);
        look(5, 5, Map.of(), 1_000);
        assertThat(lag.partitions()).containsExactly(PARTITION);
        assertThat(lag.records(added)).isNaN();
        lag.look(Map.of(PARTITION, 5L, added, 2L), Map.of(PARTITION, 5L), Map.of(), 2_000);
        assertThat(lag.records(added)).isEqualTo(2);
    }

    private void look(long latest, long end, Map<TopicPartition, Long> receipts, long millis) {
        lag.look(Map.of(PARTITION, latest), Map.of(PARTITION, end), receipts, millis);
    }
}
