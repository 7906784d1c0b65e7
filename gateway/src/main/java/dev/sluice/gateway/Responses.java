package dev.sluice.gateway;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.events.Rejection;
import dev.sluice.gateway.Publisher.Receipt;
import io.vertx.core.AsyncResult;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one place that turns an outcome into HTTP, and counts it. */
final class Responses {
    private static final Logger LOG = LoggerFactory.getLogger(Responses.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Metrics metrics;

    Responses(Metrics metrics) {
        this.metrics = metrics;
    }

    void answer(RoutingContext context, AsyncResult<Receipt> outcome) {
        if (outcome.succeeded()) {
            accept(context, outcome.result());
        } else if (outcome.cause() instanceof RefusedException refused) {
            refuse(context, refused.refusal());
        } else {
            defect(context, outcome.cause());
        }
    }

    void refuse(RoutingContext context, Refusal refusal) {
        Rejection rejection = refusal.rejection();
        metrics.refused(rejection);
        HttpServerResponse response = context.response();
        if (rejection.retryable()) {
            response.putHeader("Retry-After", "1");
        }
        send(response.putHeader("Content-Type", "application/problem+json"), rejection.status(), problem(refusal));
    }

    /** For Vert.x-web: a handler that threw, or, without a cause, a path that its router could not read. */
    void fail(RoutingContext context) {
        Throwable cause = context.failure();
        if (cause == null) {
            refuse(context, Refusal.of(Rejection.NOT_FOUND, "The path cannot be read."));
        } else {
            defect(context, cause);
        }
    }

    private void accept(RoutingContext context, Receipt receipt) {
        metrics.accepted();
        ObjectNode body = JSON.createObjectNode()
                .put("accepted", 1)
                .put("partition", receipt.partition())
                .put("offset", receipt.offset());
        send(context.response().putHeader("Content-Type", "application/json"), 202, body);
    }

    private void defect(RoutingContext context, Throwable cause) {
        LOG.error("{} {} failed", context.request().method(), context.request().path(), cause);
        refuse(context, Refusal.of(Rejection.INTERNAL_ERROR, "Please report this."));
    }

    /** RFC 9457, with the code, the field and whether a retry can help as its extension members. */
    static ObjectNode problem(Refusal refusal) {
        Rejection rejection = refusal.rejection();
        ObjectNode body = JSON.createObjectNode()
                .put("type", "urn:sluice:rejection:" + rejection.code())
                .put("title", rejection.meaning())
                .put("status", rejection.status())
                .put("detail", refusal.detail())
                .put("code", rejection.code())
                .put("retryable", rejection.retryable());
        if (refusal.field() != null) {
            body.put("field", refusal.field().wireName());
        }
        return body;
    }

    private static void send(HttpServerResponse response, int status, ObjectNode body) {
        // the sender may have hung up; the outcome stands all the same
        if (response.closed() || response.ended()) {
            return;
        }
        try {
            response.setStatusCode(status).end(Buffer.buffer(JSON.writeValueAsBytes(body)));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
