package dev.sluice.gateway;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * The bytes that all requests together may hold, from the first of a body to the acknowledgement of its last record.
 * Smaller than the memory of Kafka's producer, so that its {@code send} never has to wait. Used by all event loops.
 */
final class Budget {
    /** What a request costs beside its body: buffers, routing, the answer. */
    static final int REQUEST_BYTES = 4 * 1024;

    /** A body is held twice: as it came in, and as the values of its records. */
    static final int COPIES = 2;

    /**
     * The share of it that large bodies may be promised. The rest is for small ones, so that those that are half read
     * always come to their ends.
     */
    static final double PROMISED_SHARE = 0.8;

    /** What the requests of one connection may hold of it, where the largest needs no more. */
    private static final double CONNECTION_SHARE = 0.25;

    private static final int LONGEST_RETRY_SECONDS = 30;
    private static final double SMOOTHING = 0.3;

    private final long most;
    private final long mostOfConnection;
    private final AtomicLong used = new AtomicLong();
    private final AtomicLong promised = new AtomicLong();
    private final LongAdder released = new LongAdder();
    private volatile double drainedPerSecond;
    private long releasedBefore;

    /** @param largest what one request may need */
    Budget(long most, long largest) {
        this.most = most;
        this.mostOfConnection = Math.max(largest, (long) (most * CONNECTION_SHARE));
    }

    /** What the requests of one connection hold, or have claimed. Used by one event loop. */
    static final class Share {
        private long claimed;
    }

    /** What one request holds. Used by one event loop; given back exactly once, however often {@link #release} is called. */
    final class Permit {
        private final Share share;
        private final SlowBodies slow;
        private long claimed;
        private long held;
        private long toCome;
        private boolean done;

        private Permit(Share share, SlowBodies slow) {
            this.share = share;
            this.slow = slow;
        }

        /** Counts so much more of a body to the share of its connection, if that has room: for {@link #grow}. */
        boolean claim(long bodyBytes) {
            return claimBytes(bodyBytes * COPIES);
        }

        private boolean claimBytes(long bytes) {
            if (done || share.claimed + bytes > mostOfConnection) {
                return false;
            }
            share.claimed += bytes;
            claimed += bytes;
            return true;
        }

        /** Whether a body of that length could be had now; gives up slow ones for it. */
        boolean hasRoom(long bodyBytes) {
            while (!Budget.this.hasRoom(bodyBytes)) {
                if (!slow.giveUpOne(this)) {
                    return false;
                }
            }
            return true;
        }

        /** Takes the bytes of that much more body, if there is room; gives up slow ones for it. */
        boolean grow(long bodyBytes) {
            long bytes = bodyBytes * COPIES;
            return !done && hold(bytes);
        }

        private boolean hold(long bytes) {
            while (!take(bytes)) {
                // giving up another one answers it, and may lead to anything
                if (!slow.giveUpOne(this) || done) {
                    return false;
                }
            }
            held += bytes;
            keepPromise(Math.min(bytes, toCome));
            return true;
        }

        /** Keeps room for a large body, if there is: it can then be read to its end. Gives up hopeless ones for it. */
        boolean promise(long bodyBytes) {
            long bytes = bodyBytes * COPIES;
            if (done) {
                return false;
            }
            for (int givenUp = 0; !keepRoom(bytes); givenUp++) {
                if (givenUp == SlowBodies.AT_ONCE || !slow.giveUpHopeless(this) || done) {
                    return false;
                }
            }
            toCome = bytes;
            return true;
        }

        private void keepPromise(long bytes) {
            if (bytes != 0) {
                toCome -= bytes;
                promised.addAndGet(-bytes);
            }
        }

        long held() {
            return held;
        }

        void release() {
            if (!done) {
                done = true;
                share.claimed -= claimed;
                used.addAndGet(-held);
                keepPromise(toCome);
                released.add(held);
            }
        }
    }

    /** A permit for a new request; whether it could have its {@link #REQUEST_BYTES} is for {@link Permit#held} to say. */
    Permit open(Share share, SlowBodies slow) {
        Permit permit = new Permit(share, slow);
        if (permit.claimBytes(REQUEST_BYTES) && !permit.hold(REQUEST_BYTES)) {
            permit.release();
        }
        return permit;
    }

    /** Whether a body of that length could be had now. */
    boolean hasRoom(long bodyBytes) {
        return used.get() + bodyBytes * COPIES <= most;
    }

    /** Bytes that all requests together may hold. */
    long limit() {
        return most;
    }

    long used() {
        return used.get();
    }

    /** To be called once a second: measures how fast bytes are given back. */
    void measure() {
        long now = released.sum();
        double rate = drainedPerSecond;
        drainedPerSecond = rate + SMOOTHING * (now - releasedBefore - rate);
        releasedBefore = now;
    }

    /** Seconds until what is held now will have been given back, at the measured rate. */
    int retryAfterSeconds() {
        double seconds = drainedPerSecond < 1 ? LONGEST_RETRY_SECONDS : Math.ceil(used.get() / drainedPerSecond);
        return (int) Math.min(LONGEST_RETRY_SECONDS, Math.max(1, seconds));
    }

    private boolean keepRoom(long bytes) {
        if (promised.addAndGet(bytes) + used.get() > most * PROMISED_SHARE) {
            promised.addAndGet(-bytes);
            return false;
        }
        return true;
    }

    private boolean take(long bytes) {
        long before = used.get();
        while (before + bytes <= most) {
            long seen = used.compareAndExchange(before, before + bytes);
            if (seen == before) {
                return true;
            }
            before = seen;
        }
        return false;
    }
}
