package dev.sluice.gateway;

import static dev.sluice.events.Rejection.OVERLOADED;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import java.util.function.BooleanSupplier;

/** Decides on one event loop which requests are taken on, before anything of their bodies is read. */
final class Admission {
    static final Refusal OVERLOAD = Refusal.of(
            OVERLOADED,
            "More is under way than MAX_IN_FLIGHT_BYTES allows, or one connection's share of it: see Retry-After.");

    private final Vertx vertx;
    private final Budget budget;
    private final Publisher publisher;
    private final Connections connections;
    private final Backpressure backpressure;
    private final SlowBodies slow = new SlowBodies();

    Admission(Vertx vertx, Budget budget, Publisher publisher, Connections connections) {
        this.vertx = vertx;
        this.budget = budget;
        this.publisher = publisher;
        this.connections = connections;
        this.backpressure = new Backpressure(vertx);
    }

    /**
     * A permit, to be released on every path.
     *
     * @throws RefusedException with a code that can be retried
     */
    Budget.Permit admit(HttpConnection connection) throws RefusedException {
        Refusal outage = publisher.outage();
        if (outage != null) {
            throw outage.asException();
        }
        Budget.Permit permit = budget.open(connections.share(connection), slow);
        if (permit.held() == 0) {
            throw OVERLOAD.asException();
        }
        return permit;
    }

    Vertx vertx() {
        return vertx;
    }

    /** Where a body is to be found while it is read. */
    SlowBodies slowBodies() {
        return slow;
    }

    /** Reads no more of a large body until {@code room} holds. */
    void pauseUntil(BooleanSupplier room, boolean first, HttpServerRequest request, Runnable refuse) {
        backpressure.pause(request, first, room, refuse);
    }
}
