package dev.sluice.gateway;

import io.vertx.core.Handler;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.util.List;

/**
 * {@code OPTIONS}: which methods there are, and whether a sender of web hooks has the receiver's consent (CloudEvents
 * "HTTP 1.1 Web Hooks for Event Delivery" 1.0, section 4).
 *
 * @param origins senders that may; {@code *} for any
 */
record WebHookPermission(List<String> origins) implements Handler<RoutingContext> {
    @Override
    public void handle(RoutingContext context) {
        HttpServerResponse response = context.response().setStatusCode(200).putHeader("Allow", "POST, OPTIONS");
        String origin = context.request().getHeader("WebHook-Request-Origin");
        if (origin != null && (origins.contains("*") || origins.contains(origin))) {
            response.putHeader("WebHook-Allowed-Origin", origin);
            // answers with 503 and Retry-After hold back a sender that is too fast
            response.putHeader("WebHook-Allowed-Rate", "*");
        }
        response.end();
    }
}
