package dev.sluice.gateway;

import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** Ends the bodies of one event loop that take too long; with one timer for all, since each has the same time. */
final class Deadlines {
    private final Vertx vertx;
    private final long nanos;
    /** In the order in which they began. */
    private final Set<BodyReader> bodies = new LinkedHashSet<>();

    private boolean armed;

    /** @param patience with one body */
    Deadlines(Vertx vertx, Duration patience) {
        this.vertx = vertx;
        this.nanos = patience.toNanos();
    }

    void begin(BodyReader body) {
        bodies.add(body);
        if (!armed) {
            arm(nanos);
        }
    }

    void end(BodyReader body) {
        bodies.remove(body);
    }

    private void arm(long delay) {
        armed = true;
        vertx.setTimer(TimeUnit.NANOSECONDS.toMillis(delay) + 1, fired -> look());
    }

    private void look() {
        long now = System.nanoTime();
        armed = false;
        while (!bodies.isEmpty()) {
            Iterator<BodyReader> oldest = bodies.iterator();
            BodyReader body = oldest.next();
            long left = nanos - (now - body.since());
            if (left > 0) {
                arm(left);
                return;
            }
            oldest.remove();
            body.expire();
        }
    }
}
