package dev.sluice.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class IdsTest {
    private static final int MANY = 100_000;

    @Test
    void hash_manyIds_differAndFillTheBucketsEvenly() {
        Set<Ids.Hash> hashes = new HashSet<>();
        int[] buckets = new int[Ids.BUCKETS];
        for (int i = 0; i < MANY; i++) {
            Ids.Hash hash = Ids.Hash.of("order-" + i);
            hashes.add(hash);
            buckets[hash.bucket()]++;
        }
        assertThat(hashes).hasSize(MANY);
        // three of them each on average
        assertThat(Arrays.stream(buckets).max().orElseThrow()).isLessThan(20);
    }

    @Test
    void hash_idsOfOtherLetters_differ() {
        assertThat(Ids.Hash.of("\u00e4")).isNotEqualTo(Ids.Hash.of("\u00c4")).isNotEqualTo(Ids.Hash.of("?"));
    }

    @Test
    void new_noBytes_isEmpty() {
        assertThat(new Ids(new Ids().bytes(), 0).isEmpty()).isTrue();
    }

    /** Written down and read again after each addition, with a watermark that never falls. */
    @Property
    void add_writtenAndReadAgain_remembersWhatTheWatermarkHasNotPassed(
            @ForAll @Size(max = 30) List<@IntRange(max = 9) Integer> ids,
            @ForAll @Size(30) List<@IntRange(min = 1, max = 20) Integer> ahead,
            @ForAll @Size(30) List<@IntRange(max = 5) Integer> moves) {
        Map<Ids.Hash, Long> expected = new HashMap<>();
        Ids remembered = new Ids();
        long watermark = 0;
        for (int i = 0; i < ids.size(); i++) {
            watermark += moves.get(i);
            long now = watermark;
            remembered = new Ids(remembered.bytes(), now);
            expected.values().removeIf(passed -> passed <= now);
            Ids.Hash id = Ids.Hash.of(Integer.toString(ids.get(i)));
            assertThat(remembered.passed(id)).isEqualTo(expected.get(id));
            remembered.add(id, now + ahead.get(i));
            expected.put(id, now + ahead.get(i));
            assertThat(remembered.earliest())
                    .isEqualTo(expected.values().stream().min(Long::compare).orElseThrow());
        }
    }
}
