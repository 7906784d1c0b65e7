package dev.sluice.gateway;

import io.vertx.core.http.HttpServerRequest;

/** Follows requests to their records, by W3C Trace Context. */
final class Tracing {
    RequestTrace begin(HttpServerRequest request) {
        return request.getHeader(TraceContext.PARENT_HEADER) == null
                ? RequestTrace.NONE
                : new RequestTrace.Passed(TraceContext.of(TraceContext.extract(request.headers())));
    }
}
