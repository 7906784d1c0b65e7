package dev.sluice.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class PaceTest {
    private static final Duration TRIGGER = Duration.ofSeconds(1);

    /** At any speed, batches come to take between one and three triggers, and none takes much longer. */
    @Property
    void limit_ofABacklog_settlesWithinThreeTriggers(@ForAll @IntRange(min = 2_000, max = 2_000_000) int perSecond) {
        Pace pace = new Pace(TRIGGER);
        double seconds = 0;
        for (int batch = 0; batch < 20; batch++) {
            seconds = (double) pace.limit() / perSecond;
            pace.took(pace.limit(), (long) (seconds * TimeUnit.SECONDS.toNanos(1)));
        }
        assertThat(seconds).isBetween(1.0, 3.1);
    }

    @Test
    void limit_ofATrickle_stays() {
        Pace pace = new Pace(TRIGGER);
        long before = pace.limit();
        for (int batch = 0; batch < 100; batch++) {
            pace.took(3, TRIGGER.toNanos());
        }
        assertThat(pace.limit()).isEqualTo(before);
    }

    @Test
    void limit_batchesBecomeSlow_shrinks() {
        Pace pace = new Pace(TRIGGER);
        pace.took(pace.limit(), TimeUnit.SECONDS.toNanos(10));
        assertThat(pace.limit()).isEqualTo(6_000);
    }
}
