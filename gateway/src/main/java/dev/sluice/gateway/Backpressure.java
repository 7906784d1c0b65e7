package dev.sluice.gateway;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Stops reading the large bodies of one event loop while the {@link Budget} is tight: TCP then stops their senders, who
 * lose no more than time. A pause that takes too long ends in a refusal, so that half-read bodies cannot hold one
 * another up.
 */
final class Backpressure {
    private static final long POLL_MILLIS = 20;
    private static final long LONGEST_PAUSE_NANOS = Duration.ofSeconds(2).toNanos();

    private record Paused(HttpServerRequest request, long since, Runnable refuse) {}

    private final Vertx vertx;
    private final Budget budget;
    private final Deque<Paused> paused = new ArrayDeque<>();

    Backpressure(Vertx vertx, Budget budget) {
        this.vertx = vertx;
        this.budget = budget;
    }

    /** @param refuse called where there was no room for too long; the request is then read on, to be thrown away */
    void pause(HttpServerRequest request, Runnable refuse) {
        request.pause();
        paused.add(new Paused(request, System.nanoTime(), refuse));
        if (paused.size() == 1) {
            poll();
        }
    }

    private void poll() {
        vertx.setTimer(POLL_MILLIS, timer -> {
            long now = System.nanoTime();
            while (!paused.isEmpty() && now - paused.peek().since > LONGEST_PAUSE_NANOS) {
                Paused expired = paused.remove();
                expired.refuse.run();
                expired.request.resume();
            }
            while (!paused.isEmpty() && !budget.isTight()) {
                paused.remove().request.resume();
            }
            if (!paused.isEmpty()) {
                poll();
            }
        });
    }
}
