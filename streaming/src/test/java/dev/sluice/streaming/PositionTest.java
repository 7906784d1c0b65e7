package dev.sluice.streaming;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class PositionTest {
    private static final Position SOME = new Position(
            1_700_000_000_000L, Map.of(new TopicPartition("b.c", 1), 9L, new TopicPartition("a-_", 0), 12L));

    @Test
    void json_isTheSameForTheSame_andReadBack() {
        assertThat(SOME.json())
                .isEqualTo("{\"watermark\":1700000000000,\"offsets\":{\"a-_\":{\"0\":12},\"b.c\":{\"1\":9}}}");
        assertThat(Position.parse(SOME.json())).isEqualTo(SOME);
    }

    @Test
    void parse_anotherText_isRefused() {
        for (String text : new String[] {"", "{}", "{\"events\":{\"0\":1}}", "{\"watermark\":\"1\",\"offsets\":{}}"}) {
            assertThatThrownBy(() -> Position.parse(text)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void since_countsRecordsAndPartitions() {
        Position before = new Position(0, Map.of(new TopicPartition("b.c", 1), 9L));
        assertThat(SOME.recordsSince(before)).isEqualTo(12);
        assertThat(SOME.partitionsSince(before)).isEqualTo(1);
    }
}
