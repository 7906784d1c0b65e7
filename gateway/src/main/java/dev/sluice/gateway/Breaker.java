package dev.sluice.gateway;

import dev.sluice.events.Rejection;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens when Kafka has taken nothing for some seconds although it was sent something; closes with the next record that it
 * takes, or when Kafka says that it is well. While it is open, a refusal costs microseconds.
 */
final class Breaker {
    private static final Logger LOG = LoggerFactory.getLogger(Breaker.class);
    /** Where events are refused while it is open. */
    static final Duration PATIENCE = Duration.ofSeconds(3);

    /** Where they are kept instead: fewer requests wait for Kafka's own time to be over. */
    static final Duration SHORT_PATIENCE = Duration.ofSeconds(1);

    private static final Refusal QUIET =
            Refusal.of(Rejection.KAFKA_UNAVAILABLE, "Kafka has not acknowledged anything for some seconds.");

    private static final long PROBE_NANOS = Duration.ofSeconds(1).toNanos();

    private final Duration patience;
    private final AtomicInteger inFlight = new AtomicInteger();
    private volatile long quietSince = System.nanoTime();
    /** Whether what was sent last and is done was not taken. */
    private volatile boolean failing;

    private volatile @Nullable Refusal outage;
    // of the watching timer alone
    private long lastProbe;
    private boolean probing;

    Breaker(Duration patience) {
        this.patience = patience;
    }

    boolean isClosed() {
        return outage == null;
    }

    /** Why nothing goes to Kafka, null where it does. */
    @Nullable
    Refusal outage() {
        return outage;
    }

    void sent() {
        if (inFlight.getAndIncrement() == 0 && !failing && outage == null) {
            quietSince = System.nanoTime();
        }
    }

    /** What became of a record says nothing about Kafka: its client did not send it. */
    void notSent() {
        inFlight.decrementAndGet();
    }

    /** @param taken whether Kafka is well: it acknowledged the record, or found fault with the record itself */
    void done(boolean taken) {
        inFlight.decrementAndGet();
        failing = !taken;
        if (taken) {
            quietSince = System.nanoTime();
            close();
        }
    }

    /** Looks at the clock; whether Kafka should be asked now how it is. */
    boolean wantsProbe(long now) {
        if (outage == null && (inFlight.get() > 0 || failing) && now - quietSince > patience.toNanos()) {
            outage = QUIET;
            LOG.warn("Kafka has taken nothing for {} s: no events go to it until it answers", patience.toSeconds());
        }
        if (outage == null || probing || now - lastProbe < PROBE_NANOS) {
            return false;
        }
        lastProbe = now;
        probing = true;
        return true;
    }

    /** @param found what is wrong, null where Kafka is well */
    void probed(@Nullable Refusal found) {
        probing = false;
        if (found == null) {
            failing = false;
            quietSince = System.nanoTime();
            close();
        } else if (outage != null) {
            if (!found.equals(outage)) {
                LOG.warn("Kafka takes nothing: {}", found.detail());
            }
            outage = found;
        }
    }

    private void close() {
        if (outage != null) {
            outage = null;
            LOG.info("Kafka answers again");
        }
    }
}
