package dev.sluice.streaming;

import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;

/** Whether a batch waits for the store, for health and metrics. */
final class StoreState {
    private static final double NANOS = 1e9;

    private final LongSupplier nanoTime;
    private volatile boolean waiting;
    private volatile long since;
    private final LongAdder rows = new LongAdder();
    private final LongAdder failures = new LongAdder();

    StoreState(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** A write failed, and is tried again. */
    void waiting() {
        failures.increment();
        if (!waiting) {
            since = nanoTime.getAsLong();
            waiting = true;
        }
    }

    /** So many counts have been written. */
    void wrote(int counts) {
        rows.add(counts);
        waiting = false;
    }

    boolean isWaiting() {
        return waiting;
    }

    double waitingSeconds() {
        return waiting ? (nanoTime.getAsLong() - since) / NANOS : 0;
    }

    long rows() {
        return rows.sum();
    }

    long failures() {
        return failures.sum();
    }
}
