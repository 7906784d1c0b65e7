package dev.sluice.gateway;

import static dev.sluice.events.Rejection.OVERLOADED;

import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/** Decides on one event loop which requests are taken on, before anything of their bodies is read. */
final class Admission {
    static final Refusal OVERLOAD = Refusal.of(
            OVERLOADED,
            "More is under way than MAX_IN_FLIGHT_BYTES allows, or one connection's share of it: see Retry-After.");

    private final Budget budget;
    private final Publisher publisher;
    private final Backpressure backpressure;
    private final Deadlines deadlines;
    private final SlowBodies slow = new SlowBodies();
    private final Budget.Permit nothing;
    private final Context context;
    private final List<BodyReader> begun = new ArrayList<>();

    /** @param bodyTimeout from the end of a request's headers to that of its body */
    Admission(Vertx vertx, Budget budget, Publisher publisher, Duration bodyTimeout) {
        this.context = vertx.getOrCreateContext();
        this.budget = budget;
        this.publisher = publisher;
        this.backpressure = new Backpressure(vertx);
        this.deadlines = new Deadlines(vertx, bodyTimeout);
        this.nothing = budget.open(new Budget.Share(), slow);
        nothing.release();
    }

    /**
     * A permit, to be released on every path.
     *
     * @throws RefusedException with a code that can be retried
     */
    Budget.Permit admit(Budget.Share connection) throws RefusedException {
        Refusal outage = publisher.outage();
        if (outage != null) {
            throw outage.asException();
        }
        Budget.Permit permit = budget.open(connection, slow);
        if (permit.held() == 0) {
            throw OVERLOAD.asException();
        }
        return permit;
    }

    /** A permit of a request that was not admitted: it holds nothing, and cannot. */
    Budget.Permit nothing() {
        return nothing;
    }

    Deadlines deadlines() {
        return deadlines;
    }

    /** A body that is going to be read: most are whole before the event loop has had a look at the rest of its turn. */
    void begin(BodyReader body) {
        if (begun.isEmpty()) {
            context.runOnContext(ignored -> watch());
        }
        begun.add(body);
    }

    private void watch() {
        for (BodyReader body : begun) {
            body.watch();
        }
        begun.clear();
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
