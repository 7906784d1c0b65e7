package dev.sluice.gateway;

import io.opentelemetry.api.trace.SpanContext;

/** The trace of one request; for its event loop. */
interface RequestTrace {
    /** What the next of the request's records says of it. */
    TraceContext ofRecord();

    /** One of the records that are on their way did not become durable. */
    default void failed(Refusal refusal) {}

    /** None of the records is on its way any more. */
    default void published(Results results) {}

    /** The request's own span; invalid where there is none. */
    default SpanContext span() {
        return SpanContext.getInvalid();
    }

    /** A trace that is passed on as it came. */
    record Passed(TraceContext ofRecord) implements RequestTrace {
        static final Passed NONE = new Passed(TraceContext.NONE);
    }
}
