package dev.sluice.gateway;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.events.Rejection;
import dev.sluice.gateway.Publisher.Stored;
import io.vertx.core.AsyncResult;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one place that turns an outcome into HTTP, and counts it. */
final class Responses {
    private static final Logger LOG = LoggerFactory.getLogger(Responses.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Metrics metrics;
    private final Budget budget;

    Responses(Metrics metrics, Budget budget) {
        this.metrics = metrics;
        this.budget = budget;
    }

    /** Answers a request whose events were looked at, or fails as its reading did. */
    void answer(RoutingContext context, AsyncResult<Results> outcome) {
        if (outcome.succeeded()) {
            answer(context, outcome.result());
        } else if (outcome.cause() instanceof RefusedException refused) {
            refuse(context, refused.refusal());
        } else {
            defect(context, outcome.cause());
        }
    }

    /** Answers a page's image: the image once the event is durable, or else a problem, which no browser shows. */
    void answerImage(RoutingContext context, AsyncResult<Results> outcome) {
        context.response().putHeader("Cache-Control", "no-store");
        if (outcome.failed() || outcome.result().accepted() == 0) {
            answer(context, outcome);
        } else {
            metrics.accepted();
            send(context.response().putHeader("Content-Type", "image/gif"), 200, Pixel.IMAGE);
        }
    }

    private void answer(RoutingContext context, Results results) {
        if (results.accepted() == 0) {
            refuse(context, results);
        } else if (results.rejected().isEmpty()) {
            metrics.accepted();
            sendJson(context, 202, taken(results));
        } else {
            metrics.partly();
            ObjectNode body = taken(results);
            body.set("rejected", items(results.rejected()));
            sendJson(context, 207, body);
        }
    }

    /** Nothing was taken. A retry helps as soon as it helps one event. */
    private void refuse(RoutingContext context, Results results) {
        if (!results.isBatch()) {
            refuse(context, results.rejected().get(0).refusal());
            return;
        }
        Refusal refusal = results.rejected().stream()
                .map(Results.Rejected::refusal)
                .filter(item -> item.rejection().status() >= 500)
                .max(Comparator.comparing(Refusal::rejection))
                .orElse(Refusal.of(
                        Rejection.NOTHING_TAKEN, "None of " + results.rejected().size() + " could be taken."));
        ObjectNode body = problem(refusal);
        body.set("rejected", items(results.rejected()));
        refuse(context.response(), refusal.rejection(), body);
    }

    void refuse(RoutingContext context, Refusal refusal) {
        refuse(context.response(), refusal.rejection(), problem(refusal));
    }

    /** For a request that no router could read. */
    void refuse(HttpServerRequest request, Refusal refusal) {
        refuse(request.response().putHeader("Connection", "close"), refusal.rejection(), problem(refusal));
    }

    private void refuse(HttpServerResponse response, Rejection rejection, ObjectNode body) {
        metrics.refused(rejection);
        if (rejection.retryable()) {
            response.putHeader(
                    "Retry-After",
                    rejection == Rejection.OVERLOADED ? Integer.toString(budget.retryAfterSeconds()) : "1");
        }
        if (rejection == Rejection.UNSUPPORTED_ENCODING) {
            response.putHeader("Accept-Encoding", Inflation.ENCODINGS);
        }
        if (rejection == Rejection.REQUEST_TIMEOUT) {
            response.putHeader("Connection", "close");
        }
        send(response.putHeader("Content-Type", "application/problem+json"), rejection.status(), bytes(body));
    }

    /** For Vert.x-web: a handler that threw, or an origin that CORS refuses. */
    void fail(RoutingContext context) {
        if (context.statusCode() == 403) {
            refuse(context, Refusal.of(Rejection.ORIGIN_NOT_ALLOWED, "Add the page's origin to CORS_ORIGINS."));
        } else {
            defect(context, context.failure());
        }
    }

    /** What became durable; of one event alone, also where. */
    private static ObjectNode taken(Results results) {
        ObjectNode body = JSON.createObjectNode().put("accepted", results.accepted());
        if (results.spooled() > 0) {
            body.put("spooled", results.spooled());
        } else if (!results.isBatch() && results.receipt() instanceof Stored stored) {
            body.put("topic", stored.topic())
                    .put("partition", stored.partition())
                    .put("offset", stored.offset());
        }
        return body;
    }

    private static ArrayNode items(List<Results.Rejected> rejected) {
        ArrayNode items = JSON.createArrayNode();
        for (Results.Rejected item : rejected) {
            Refusal refusal = item.refusal();
            ObjectNode node = items.addObject()
                    .put("index", item.index())
                    .put("code", refusal.rejection().code())
                    .put("detail", refusal.detail())
                    .put("retryable", refusal.rejection().retryable());
            if (refusal.field() != null) {
                node.put("field", refusal.field().wireName());
            }
        }
        return items;
    }

    private static void sendJson(RoutingContext context, int status, ObjectNode body) {
        send(context.response().putHeader("Content-Type", "application/json"), status, bytes(body));
    }

    private static void send(HttpServerResponse response, int status, Buffer body) {
        // the sender may have hung up; the outcome stands all the same
        if (!response.closed() && !response.ended()) {
            response.setStatusCode(status).end(body);
        }
    }

    private static Buffer bytes(ObjectNode body) {
        try {
            return Buffer.buffer(JSON.writeValueAsBytes(body));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private void defect(RoutingContext context, @Nullable Throwable cause) {
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
}
