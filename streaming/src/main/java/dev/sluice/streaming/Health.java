package dev.sluice.streaming;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Whether the query gets on. While it waits for Kafka it does: a fleet must not restart because Kafka is down.
 */
final class Health {
    private static final int TRIGGERS = 10;
    /**
     * Longer than any batch that {@link Pace} plans, and than a batch takes to find out that nobody answers: a cluster tries
     * a task four times, and each waits for Kafka for three minutes.
     */
    private static final Duration SHORTEST = Duration.ofMinutes(15);

    private enum State {
        WAITING,
        STARTED,
        COUNTING,
        ENDED
    }

    private final LongSupplier nanoTime;
    private final long patience;
    private volatile State state = State.WAITING;
    private volatile long sign;
    private volatile boolean storeAway;

    Health(Duration trigger, LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        this.patience = Math.max(trigger.multipliedBy(TRIGGERS).toNanos(), SHORTEST.toNanos());
    }

    /** No query: what it needs is not there yet. */
    void waiting() {
        state = State.WAITING;
    }

    /** A query that has still to read what it knows. */
    void started() {
        gotOn();
        state = State.STARTED;
    }

    /** A query whose first trigger is over. */
    void counting() {
        gotOn();
        state = State.COUNTING;
    }

    /** No query, and there will be none. */
    void ended() {
        state = State.ENDED;
    }

    /** A trigger ended, with or without a batch. */
    void gotOn() {
        sign = nanoTime.getAsLong();
    }

    /** A batch is held until the store takes it: that is no standstill of the query. */
    void waitsForStore() {
        gotOn();
        storeAway = true;
    }

    void hasStore() {
        storeAway = false;
    }

    boolean isLive() {
        return switch (state) {
            case WAITING -> true;
            case STARTED, COUNTING -> nanoTime.getAsLong() - sign < patience;
            case ENDED -> false;
        };
    }

    boolean isReady() {
        return state == State.COUNTING && !storeAway;
    }
}
