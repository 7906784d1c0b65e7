package dev.sluice.gateway;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The bodies of one event loop that are not whole yet. When a request finds no room in the {@link Budget}, the one that
 * is being read for longest is given up: slow senders, however many, never keep out a fast one.
 */
final class SlowBodies {
    /** No body is slow before. */
    private static final long SLOW_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Bodies that are refused in one turn, for each takes the time of an answer. */
    static final int AT_ONCE = 32;

    interface Body {
        /** Refuses the request, which releases its permit. */
        void giveUp();

        /** Whether it cannot be whole in time, if it goes on as it did for so long. */
        boolean isHopeless(long nanos);
    }

    private record Entry(Body body, long since) {}

    // each in the order of its times
    private final Map<Budget.Permit, Entry> reading = new LinkedHashMap<>();
    /** Of those that the gateway itself makes wait for room. */
    private final Map<Budget.Permit, Entry> waiting = new LinkedHashMap<>();

    void reading(Budget.Permit permit, Body body) {
        ended(permit);
        reading.put(permit, new Entry(body, System.nanoTime()));
    }

    void waiting(Budget.Permit permit, Body body) {
        ended(permit);
        waiting.put(permit, new Entry(body, System.nanoTime()));
    }

    void ended(Budget.Permit permit) {
        reading.remove(permit);
        if (!waiting.isEmpty()) {
            waiting.remove(permit);
        }
    }

    /** Gives one up, if there is one; one that waits only where none is read, for its sender may be fast. */
    boolean giveUpOne(Budget.Permit asking) {
        return giveUpOldest(reading, asking, false) || giveUpOldest(waiting, asking, false);
    }

    /**
     * Gives one up only where that is no loss. Large bodies that came one after another over lines of the same speed would
     * otherwise give one another up for ever.
     */
    boolean giveUpHopeless(Budget.Permit asking) {
        return giveUpOldest(reading, asking, true);
    }

    /** Never the one that asks, nor one that is younger. */
    private static boolean giveUpOldest(Map<Budget.Permit, Entry> bodies, Budget.Permit asking, boolean onlyHopeless) {
        Iterator<Map.Entry<Budget.Permit, Entry>> entries = bodies.entrySet().iterator();
        if (!entries.hasNext()) {
            return false;
        }
        Map.Entry<Budget.Permit, Entry> oldest = entries.next();
        Body body = oldest.getValue().body;
        long nanos = System.nanoTime() - oldest.getValue().since;
        if (oldest.getKey().equals(asking) || nanos < SLOW_NANOS || (onlyHopeless && !body.isHopeless(nanos))) {
            return false;
        }
        entries.remove();
        body.giveUp();
        return true;
    }
}
