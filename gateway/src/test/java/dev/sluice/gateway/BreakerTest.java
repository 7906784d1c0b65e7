package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.Rejection;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class BreakerTest {
    private final Breaker breaker = new Breaker(Breaker.PATIENCE);

    @Test
    void nothingSent_neverOpens() {
        assertThat(breaker.wantsProbe(in(60))).isFalse();
        assertThat(breaker.isClosed()).isTrue();
    }

    @Test
    void sentAndNotAcknowledged_opensAndProbesOnceASecond() {
        breaker.sent();
        assertThat(breaker.wantsProbe(in(2))).isFalse();
        assertThat(breaker.wantsProbe(in(4))).isTrue();
        assertThat(breaker.isClosed()).isFalse();
        assertThat(breaker.wantsProbe(in(6))).as("one at a time").isFalse();
        breaker.probed(Refusal.of(Rejection.KAFKA_NO_LEADER, "none"));
        assertThat(breaker.isClosed()).isFalse();
        assertThat(breaker.wantsProbe(in(7))).isTrue();
        breaker.probed(null);
        assertThat(breaker.isClosed()).isTrue();
    }

    @Test
    void acknowledgement_closes_failureDoesNot() {
        breaker.sent();
        breaker.sent();
        assertThat(breaker.wantsProbe(in(4))).isTrue();
        breaker.done(false);
        assertThat(breaker.isClosed()).isFalse();
        breaker.done(true);
        assertThat(breaker.isClosed()).isTrue();
    }

    private static long in(int seconds) {
        return System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
    }
}
