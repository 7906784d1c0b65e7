package dev.sluice.streaming;

import java.time.Duration;

/**
 * How many records one batch may read, so that a backlog is worked off in batches of a few triggers each: progress is
 * kept, shown, and a stop is not far.
 */
final class Pace {
    /** The first batch runs code that is not compiled yet. */
    private static final long FIRST = 20_000;

    private static final long LEAST = 1_000;
    private static final long MOST = 50_000_000;
    private static final int TRIGGERS = 3;
    private static final Duration SHORTEST = Duration.ofSeconds(1);
    private static final int GROWTH = 2;

    private final long target;
    private long limit = FIRST;

    /** @param trigger time between two looks at Kafka */
    Pace(Duration trigger) {
        this.target = Math.max(trigger.multipliedBy(TRIGGERS).toNanos(), SHORTEST.toNanos());
    }

    /** Records. */
    long limit() {
        return limit;
    }

    /** Notes that a batch of so many records took so long, the wait for its trigger included. */
    void took(long records, long nanos) {
        if (records == 0) {
            return;
        }
        long fits = (long) ((double) records * target / Math.max(1, nanos));
        if (nanos > target) {
            limit = Math.max(LEAST, Math.min(limit, fits));
        } else {
            // one that was quick says little of more records than it had
            limit = Math.max(limit, Math.min(MOST, Math.min(fits, GROWTH * records)));
        }
    }
}
