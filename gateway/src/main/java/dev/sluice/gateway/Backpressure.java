package dev.sluice.gateway;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Stops reading the large bodies of one event loop while the {@link Budget} is tight: TCP then stops their senders, who
 * lose no more than time. A pause that takes too long ends in a refusal, so that half-read bodies cannot hold one
 * another up for ever.
 */
final class Backpressure {
    private static final long POLL_MILLIS = 20;
    private static final long LONGEST_PAUSE_NANOS = Duration.ofSeconds(5).toNanos();

    private record Paused(HttpServerRequest request, long since, BooleanSupplier room, Runnable refuse) {}

    private final Vertx vertx;
    private final Deque<Paused> paused = new ArrayDeque<>();
    private boolean polling;

    Backpressure(Vertx vertx) {
        this.vertx = vertx;
    }

    /**
     * Goes on reading the request once there is room.
     *
     * @param first before those that wait already: for a body that holds a part of the budget
     * @param room whether there is; asked again and again until there is, and then not any more
     * @param refuse called where there was no room for too long; the request is then read on, to be thrown away
     */
    void pause(HttpServerRequest request, boolean first, BooleanSupplier room, Runnable refuse) {
        request.pause();
        Paused waiting = new Paused(request, System.nanoTime(), room, refuse);
        if (first) {
            paused.addFirst(waiting);
        } else {
            paused.addLast(waiting);
        }
        poll();
    }

    private void poll() {
        if (!polling) {
            polling = true;
            vertx.setTimer(POLL_MILLIS, timer -> {
                polling = false;
                look();
                if (!paused.isEmpty()) {
                    poll();
                }
            });
        }
    }

    /** A request that is resumed may pause again at once, or the next one of its connection. */
    private void look() {
        for (Paused next = paused.peek(); next != null && next.room.getAsBoolean(); next = paused.peek()) {
            paused.remove(next);
            next.request.resume();
        }
        for (Paused late : takeThoseWhoWaitTooLong()) {
            late.refuse.run();
            late.request.resume();
        }
    }

    private List<Paused> takeThoseWhoWaitTooLong() {
        long now = System.nanoTime();
        List<Paused> late = new ArrayList<>();
        for (Iterator<Paused> each = paused.iterator(); each.hasNext() && late.size() < SlowBodies.AT_ONCE; ) {
            Paused waiting = each.next();
            if (now - waiting.since > LONGEST_PAUSE_NANOS) {
                each.remove();
                late.add(waiting);
            }
        }
        return late;
    }
}
