package dev.sluice.gateway;

import ch.qos.logback.classic.AsyncAppender;
import ch.qos.logback.classic.spi.ILoggingEvent;
import java.util.concurrent.atomic.LongAdder;

/**
 * Lets another thread write. Event loops log too, and must not wait for a terminal or a disk: what comes while those are
 * slower is dropped, lines up to INFO once a fifth of the queue is left, and counted.
 */
public final class LossyAppender extends AsyncAppender {
    /** For threads that found room at once. */
    private static final int SPARE = 32;

    private final LongAdder dropped = new LongAdder();

    public LossyAppender() {
        setNeverBlock(true);
    }

    long dropped() {
        return dropped.sum();
    }

    @Override
    protected void append(ILoggingEvent line) {
        // beyond that, logback drops without a word
        if (getRemainingCapacity() <= SPARE) {
            dropped.increment();
        } else {
            super.append(line);
        }
    }

    @Override
    protected boolean isDiscardable(ILoggingEvent line) {
        boolean discarded = super.isDiscardable(line);
        if (discarded) {
            dropped.increment();
        }
        return discarded;
    }
}
