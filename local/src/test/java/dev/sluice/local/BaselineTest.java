package dev.sluice.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.local.BenchReport.Bound;
import dev.sluice.local.BenchReport.Ratio;
import java.util.List;
import org.junit.jupiter.api.Test;

class BaselineTest {
    @Test
    void isFar_withinThreeSpreadsOrHalfOfTheMedian_isNot() {
        assertThat(isFar(1.4, Bound.AT_MOST, 1.0, 1.1, 0.9)).isFalse();
        assertThat(isFar(0.6, Bound.AT_LEAST, 1.0, 1.1, 0.9)).isFalse();
        assertThat(isFar(2.4, Bound.AT_MOST, 1.0, 1.5, 0.9)).isFalse();
    }

    @Test
    void isFar_worseThanBoth_is() {
        assertThat(isFar(1.6, Bound.AT_MOST, 1.0, 1.1, 0.9)).isTrue();
        assertThat(isFar(0.4, Bound.AT_LEAST, 1.0, 1.1, 0.9)).isTrue();
        assertThat(isFar(2.6, Bound.AT_MOST, 1.0, 1.5, 0.9)).isTrue();
    }

    @Test
    void isFar_betterByAnything_isNot() {
        assertThat(isFar(0.1, Bound.AT_MOST, 1.0, 1.1, 0.9)).isFalse();
        assertThat(isFar(7, Bound.AT_LEAST, 1.0, 1.1, 0.9)).isFalse();
    }

    @Test
    void isFar_nothingKept_isNot() {
        assertThat(isFar(7, Bound.AT_MOST)).isFalse();
    }

    private static boolean isFar(double now, Bound bound, Double... kept) {
        return Baseline.isFar(List.of(kept), new Ratio(now, bound));
    }
}
