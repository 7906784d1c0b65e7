package dev.sluice.gateway;

import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import java.util.Set;

/** One request on its way to its answer; gets there once, and gives back what it held. */
final class Exchange implements Handler<AsyncResult<Results>> {
    private final Set<Exchange> inFlight;
    private final Metrics metrics;
    private final Budget.Permit permit;
    private final RequestTrace trace;
    private final Handler<AsyncResult<Results>> respond;
    private final long beganNanos = System.nanoTime();
    private long publishedNanos;
    private boolean isPublished;
    private boolean answered;

    /**
     * Begins.
     *
     * @param inFlight has it in it until it is answered
     */
    Exchange(
            Set<Exchange> inFlight,
            Metrics metrics,
            Budget.Permit permit,
            RequestTrace trace,
            Handler<AsyncResult<Results>> respond) {
        this.trace = trace;
        this.inFlight = inFlight;
        this.metrics = metrics;
        this.permit = permit;
        this.respond = respond;
        inFlight.add(this);
        metrics.begin();
    }

    /** The results are there, or the time to stop has come, whichever is first. */
    @Override
    public void handle(AsyncResult<Results> outcome) {
        if (answered) {
            return;
        }
        answered = true;
        inFlight.remove(this);
        metrics.end(System.nanoTime() - beganNanos, trace.span());
        permit.release();
        respond.handle(outcome);
    }

    /** From now on it waits for others than its sender. */
    void published() {
        publishedNanos = System.nanoTime();
        isPublished = true;
    }

    /** Whether it has waited for them for so long. */
    boolean isOverdue(long now, long nanos) {
        return isPublished && now - publishedNanos > nanos;
    }

    void fail(Throwable cause) {
        handle(Future.failedFuture(cause));
    }
}
