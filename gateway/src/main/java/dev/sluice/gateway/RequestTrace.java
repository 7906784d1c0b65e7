package dev.sluice.gateway;

/** The trace of one request; for its event loop. */
interface RequestTrace {
    RequestTrace NONE = new Passed(TraceContext.NONE);

    /** What the request's records say of it. */
    TraceContext ofRecords();

    /** A trace that is passed on as it came. */
    record Passed(TraceContext ofRecords) implements RequestTrace {}
}
