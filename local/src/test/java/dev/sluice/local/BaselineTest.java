package dev.sluice.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class BaselineTest {
    @Test
    void isFar_withinThreeSpreadsOrHalfOfTheMedian_isNot() {
        assertThat(Baseline.isFar(List.of(1.0, 1.1, 0.9), 1.4)).isFalse();
        assertThat(Baseline.isFar(List.of(1.0, 1.1, 0.9), 0.6)).isFalse();
        assertThat(Baseline.isFar(List.of(1.0, 1.5, 0.9), 2.4)).isFalse();
    }

    @Test
    void isFar_beyondBoth_is() {
        assertThat(Baseline.isFar(List.of(1.0, 1.1, 0.9), 1.6)).isTrue();
        assertThat(Baseline.isFar(List.of(1.0, 1.1, 0.9), 0.4)).isTrue();
        assertThat(Baseline.isFar(List.of(1.0, 1.5, 0.9), 2.6)).isTrue();
    }

    @Test
    void isFar_nothingKept_isNot() {
        assertThat(Baseline.isFar(List.of(), 7)).isFalse();
    }
}
