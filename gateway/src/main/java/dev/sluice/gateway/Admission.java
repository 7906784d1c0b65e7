package dev.sluice.gateway;

import static dev.sluice.events.Rejection.OVERLOADED;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import java.util.function.BooleanSupplier;

/** Decides on one event loop which requests are taken on, before anything of their bodies is read. */
final class Admission {
    static final Refusal OVERLOAD =
            Refusal.of(OVERLOADED, "More events are under way than MAX_IN_FLIGHT_BYTES allows: see Retry-After.");

    private final Vertx vertx;
    private final Budget budget;
    private final Publisher publisher;
    private final Backpressure backpressure;

    Admission(Vertx vertx, Budget budget, Publisher publisher) {
        this.vertx = vertx;
        this.budget = budget;
        this.publisher = publisher;
        this.backpressure = new Backpressure(vertx);
    }

    /**
     * A permit, to be released on every path.
     *
     * @throws RefusedException with a code that can be retried
     */
    Budget.Permit admit() throws RefusedException {
        Refusal outage = publisher.outage();
        if (outage != null) {
            throw outage.asException();
        }
        Budget.Permit permit = budget.open();
        if (permit.held() == 0) {
            throw OVERLOAD.asException();
        }
        return permit;
    }

    Vertx vertx() {
        return vertx;
    }

    /** Whether a small body can be read. */
    boolean hasRoom(long bodyBytes) {
        return budget.hasRoom(bodyBytes);
    }

    /** Reads no more of a large body until {@code room} holds. */
    void pauseUntil(BooleanSupplier room, boolean first, HttpServerRequest request, Runnable refuse) {
        backpressure.pause(request, first, room, refuse);
    }
}
