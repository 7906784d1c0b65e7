package dev.sluice.gateway;

import dev.sluice.events.Rejection;
import io.vertx.core.AsyncResult;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes the events of one request: each is validated, published, and ends in one result. */
final class Intake {
    private static final Logger LOG = LoggerFactory.getLogger(Intake.class);

    /** A large batch gives its event loop back this often. */
    private static final long TURN_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private final Context context;
    private final Publisher publisher;
    private final Metrics metrics;
    private final long receivedMillis;
    private final RequestTrace trace;
    private final Promise<Results> done = Promise.promise();
    private Results results = new Results(false);
    private int next;
    private int inFlight;
    private boolean allSent;

    /** @param receivedMillis milliseconds since 1970 UTC */
    Intake(Context context, Publisher publisher, Metrics metrics, long receivedMillis, RequestTrace trace) {
        this.metrics = metrics;
        this.context = context;
        this.publisher = publisher;
        this.receivedMillis = receivedMillis;
        this.trace = trace;
    }

    RequestTrace trace() {
        return trace;
    }

    /** Takes the one event of the request; never fails. */
    Future<Results> take(Verdict verdict) {
        take(0, verdict);
        allSent();
        return done.future();
    }

    /** Takes each item of a batch as {@code check} judges it; never fails. */
    Future<Results> take(Items items, Function<byte[], Verdict> check) {
        results = new Results(true);
        turn(items, check);
        return done.future();
    }

    private void turn(Items items, Function<byte[], Verdict> check) {
        long start = System.nanoTime();
        for (; next < items.size() && System.nanoTime() - start < TURN_NANOS; next++) {
            Refusal fault = items.fault(next);
            take(next, fault == null ? check.apply(items.bytes(next)) : fault);
        }
        if (next < items.size()) {
            context.runOnContext(ignored -> turn(items, check));
        } else {
            allSent();
        }
    }

    private void take(int index, Verdict verdict) {
        metrics.received();
        if (verdict instanceof Event event) {
            inFlight++;
            publisher
                    .publish(event, receivedMillis, trace.ofRecord(), context)
                    .onComplete(outcome -> published(index, outcome));
        } else if (verdict instanceof Refusal refusal) {
            reject(index, refusal);
        }
    }

    private void published(int index, AsyncResult<Publisher.Receipt> outcome) {
        inFlight--;
        if (outcome.succeeded()) {
            if (outcome.result() == Publisher.Spooled.ON_DISK) {
                metrics.spooled();
            } else {
                metrics.stored();
            }
            results.accept(outcome.result());
        } else if (outcome.cause() instanceof RefusedException refused) {
            fail(index, refused.refusal());
        } else {
            LOG.error("An event could not be published", outcome.cause());
            fail(index, Refusal.of(Rejection.INTERNAL_ERROR, "Please report this."));
        }
        completeIfDone();
    }

    private void fail(int index, Refusal refusal) {
        trace.failed(refusal);
        reject(index, refusal);
    }

    private void reject(int index, Refusal refusal) {
        metrics.rejected(refusal.rejection());
        results.reject(index, refusal);
    }

    private void allSent() {
        allSent = true;
        completeIfDone();
    }

    private void completeIfDone() {
        if (allSent && inFlight == 0) {
            trace.published(results);
            done.tryComplete(results);
        }
    }
}
