package dev.sluice.gateway;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.events.Rejection;
import dev.sluice.gateway.Publisher.Stored;
import io.vertx.core.AsyncResult;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
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
    private static final CharSequence JSON_TYPE = HttpHeaders.createOptimized("application/json");

    private final Metrics metrics;
    private final Budget budget;
    private final Refusals refusals;

    Responses(Metrics metrics, Budget budget, Refusals refusals) {
        this.metrics = metrics;
        this.budget = budget;
        this.refusals = refusals;
    }

    /** Answers a request whose events were looked at, or fails as its reading did. */
    void answer(HttpServerRequest request, String sender, AsyncResult<Results> outcome) {
        if (outcome.succeeded()) {
            answer(request.response(), sender, outcome.result());
        } else if (outcome.cause() instanceof RefusedException refused) {
            refuse(request.response(), sender, refused.refusal());
        } else {
            defect(request, sender, outcome.cause());
        }
    }

    /** Answers a page's image: the image once the event is durable, or else a problem, which no browser shows. */
    void answerImage(HttpServerRequest request, String sender, AsyncResult<Results> outcome) {
        request.response().putHeader("Cache-Control", "no-store");
        if (outcome.failed() || outcome.result().accepted() == 0) {
            answer(request, sender, outcome);
        } else {
            metrics.accepted();
            send(request.response().putHeader("Content-Type", "image/gif"), 200, Pixel.IMAGE);
        }
    }

    private void answer(HttpServerResponse response, String sender, Results results) {
        if (results.accepted() == 0) {
            refuse(response, sender, results);
        } else if (results.rejected().isEmpty()) {
            metrics.accepted();
            sendJson(
                    response,
                    202,
                    !results.isBatch() && results.receipt() instanceof Stored stored
                            ? Buffer.buffer(json(stored))
                            : bytes(taken(results)));
        } else {
            metrics.partly();
            refusals.add(sender, results.rejected());
            ObjectNode body = taken(results);
            body.set("rejected", items(results.rejected()));
            sendJson(response, 207, bytes(body));
        }
    }

    /** Nearly every answer: without a tree. Nothing of a topic's name needs an escape. */
    private static String json(Stored stored) {
        return "{\"accepted\":1,\"topic\":\"" + stored.topic() + "\",\"partition\":" + stored.partition()
                + ",\"offset\":" + stored.offset() + '}';
    }

    /** Nothing was taken. A retry helps as soon as it helps one event. */
    private void refuse(HttpServerResponse response, String sender, Results results) {
        refusals.add(sender, results.rejected());
        if (!results.isBatch()) {
            Refusal refusal = results.rejected().get(0).refusal();
            refuse(response, refusal.rejection(), problem(refusal));
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
        refuse(response, refusal.rejection(), body);
    }

    /** Before any event of the request was read. */
    void refuse(HttpServerResponse response, String sender, Refusal refusal) {
        refusals.add(sender, refusal.rejection(), 0);
        refuse(response, refusal.rejection(), problem(refusal));
    }

    /** For a request that no router could read. */
    void refuseAndClose(HttpServerResponse response, Refusal refusal) {
        refuse(response.putHeader("Connection", "close"), Sender.ANYONE.name(), refusal);
    }

    private void refuse(HttpServerResponse response, Rejection rejection, ObjectNode body) {
        metrics.refused(rejection);
        // a quota has said for itself how long
        if (rejection.retryable() && rejection != Rejection.QUOTA_EXCEEDED) {
            response.putHeader(
                    "Retry-After",
                    rejection == Rejection.OVERLOADED ? Integer.toString(budget.retryAfterSeconds()) : "1");
        }
        if (rejection == Rejection.UNAUTHENTICATED) {
            response.putHeader("WWW-Authenticate", "Bearer realm=\"sluice\"");
        }
        if (rejection == Rejection.UNSUPPORTED_ENCODING) {
            response.putHeader("Accept-Encoding", Inflation.ENCODINGS);
        }
        if (rejection == Rejection.REQUEST_TIMEOUT) {
            response.putHeader("Connection", "close");
        }
        send(response.putHeader("Content-Type", "application/problem+json"), rejection.status(), bytes(body));
    }

    /** For Vert.x-web: a handler that threw, a path that no handler can read, or an origin that CORS refuses. */
    void fail(RoutingContext context) {
        if (context.statusCode() == 403) {
            refuse(
                    context.response(),
                    Sender.ANYONE.name(),
                    Refusal.of(Rejection.ORIGIN_NOT_ALLOWED, "Add the page's origin to CORS_ORIGINS."));
        } else if (context.statusCode() >= 400 && context.statusCode() < 500) {
            refuse(
                    context.response(),
                    Sender.ANYONE.name(),
                    Refusal.of(Rejection.INVALID_REQUEST, "The path cannot be read."));
        } else {
            defect(context.request(), Sender.ANYONE.name(), context.failure());
        }
    }

    /** What became durable. */
    private static ObjectNode taken(Results results) {
        ObjectNode body = JSON.createObjectNode().put("accepted", results.accepted());
        if (results.spooled() > 0) {
            body.put("spooled", results.spooled());
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

    private static void sendJson(HttpServerResponse response, int status, Buffer body) {
        send(response.putHeader(HttpHeaders.CONTENT_TYPE, JSON_TYPE), status, body);
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

    private void defect(HttpServerRequest request, String sender, @Nullable Throwable cause) {
        LOG.error("{} {} failed", request.method(), request.path(), cause);
        refuse(request.response(), sender, Refusal.of(Rejection.INTERNAL_ERROR, "Please report this."));
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
