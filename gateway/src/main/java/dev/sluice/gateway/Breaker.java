package dev.sluice.gateway;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens when Kafka has acknowledged nothing for some seconds although it was sent something; closes with the next
 * acknowledgement, or when Kafka says that it is well. While it is open, a refusal costs microseconds.
 */
final class Breaker {
    private static final Logger LOG = LoggerFactory.getLogger(Breaker.class);
    /** Where events are refused while it is open. */
    static final Duration PATIENCE = Duration.ofSeconds(3);

    /** Where they are kept instead: fewer requests wait for Kafka's own time to be over. */
    static final Duration SHORT_PATIENCE = Duration.ofSeconds(1);

    private static final long PROBE_NANOS = Duration.ofSeconds(1).toNanos();

    private final Duration patience;
    private final AtomicInteger inFlight = new AtomicInteger();
    private volatile long quietSince = System.nanoTime();
    private volatile boolean open;
    // of the watching timer alone
    private long lastProbe;
    private boolean probing;

    Breaker(Duration patience) {
        this.patience = patience;
    }

    boolean isClosed() {
        return !open;
    }

    void sent() {
        if (inFlight.getAndIncrement() == 0 && !open) {
            quietSince = System.nanoTime();
        }
    }

    void done(boolean acknowledged) {
        inFlight.decrementAndGet();
        if (acknowledged) {
            quietSince = System.nanoTime();
            close();
        }
    }

    /** Looks at the clock; whether Kafka should be asked now how it is. */
    boolean wantsProbe(long now) {
        if (!open && inFlight.get() > 0 && now - quietSince > patience.toNanos()) {
            open = true;
            LOG.warn(
                    "Kafka has acknowledged nothing for {} s: no events go to it until it answers",
                    patience.toSeconds());
        }
        if (!open || probing || now - lastProbe < PROBE_NANOS) {
            return false;
        }
        lastProbe = now;
        probing = true;
        return true;
    }

    void probed(boolean well) {
        probing = false;
        if (well) {
            quietSince = System.nanoTime();
            close();
        }
    }

    private void close() {
        if (open) {
            open = false;
            LOG.info("Kafka answers again");
        }
    }
}
