package dev.sluice.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class HealthTest {
    private final AtomicLong clock = new AtomicLong();
    private final Health health = new Health(Duration.ofSeconds(1), clock::get);

    @Test
    void waiting_forLong_isLiveAndNotReady() {
        clock.addAndGet(Duration.ofDays(1).toNanos());
        assertThat(health.isLive()).isTrue();
        assertThat(health.isReady()).isFalse();
    }

    @Test
    void started_isReadyOnceItCounts() {
        health.started();
        assertThat(health.isLive()).isTrue();
        assertThat(health.isReady()).isFalse();
        health.counting();
        assertThat(health.isReady()).isTrue();
    }

    @Test
    void counting_noTriggerEnds_isStuckAfterAQuarterOfAnHour() {
        health.counting();
        clock.addAndGet(Duration.ofSeconds(899).toNanos());
        assertThat(health.isLive()).isTrue();
        clock.addAndGet(Duration.ofSeconds(1).toNanos());
        assertThat(health.isLive()).isFalse();
        health.gotOn();
        assertThat(health.isLive()).isTrue();
    }

    @Test
    void counting_longTrigger_isGivenTenOfThem() {
        Health slow = new Health(Duration.ofMinutes(2), clock::get);
        slow.counting();
        clock.addAndGet(Duration.ofMinutes(19).toNanos());
        assertThat(slow.isLive()).isTrue();
        clock.addAndGet(Duration.ofMinutes(1).toNanos());
        assertThat(slow.isLive()).isFalse();
    }

    @Test
    void ended_isNeither() {
        health.counting();
        health.ended();
        assertThat(health.isLive()).isFalse();
        assertThat(health.isReady()).isFalse();
    }
}
