package dev.sluice.gateway;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
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
        if (paused.size() == 1) {
            poll();
        }
    }

    private void poll() {
        vertx.setTimer(POLL_MILLIS, timer -> {
            while (!paused.isEmpty() && paused.peek().room.getAsBoolean()) {
                paused.remove().request.resume();
            }
            refuseThoseWhoWaitTooLong();
            if (!paused.isEmpty()) {
                poll();
            }
        });
    }

    private void refuseThoseWhoWaitTooLong() {
        long now = System.nanoTime();
        paused.removeIf(waiting -> {
            boolean tooLong = now - waiting.since > LONGEST_PAUSE_NANOS;
            if (tooLong) {
                waiting.refuse.run();
                waiting.request.resume();
            }
            return tooLong;
        });
    }
}
