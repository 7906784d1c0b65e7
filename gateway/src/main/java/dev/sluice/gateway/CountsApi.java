package dev.sluice.gateway;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.events.CountRecord;
import dev.sluice.gateway.CountsView.Filter;
import dev.sluice.gateway.CountsView.Window;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers what the counts are, from a {@link CountsView} and what is behind it: as JSON and as CSV. */
final class CountsApi {
    static final String COUNTS = "/api/counts";
    static final String TYPES = "/api/types";
    static final String PROGRESS = "/api/progress";

    private static final Logger LOG = LoggerFactory.getLogger(CountsApi.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Vertx vertx;
    private final CountsView view;
    private final CountsFeed feed;
    private final CountsStream stream;
    private final Optional<CountsHistory> history;

    CountsApi(Vertx vertx, CountsView view, CountsFeed feed, CountsStream stream, Optional<CountsHistory> history) {
        this.vertx = vertx;
        this.view = view;
        this.feed = feed;
        this.stream = stream;
        this.history = history;
    }

    void mount(Router router) {
        router.get(COUNTS).handler(context -> ifReady(context, () -> counts(context)));
        router.get(TYPES).handler(context -> ifReady(context, () -> types(context)));
        router.get(PROGRESS).handler(context -> ifReady(context, () -> progress(context)));
        router.get(CountsStream.PATH)
                .handler(context ->
                        ifReady(context, () -> stream.open(context, CountsQuery.parseStream(context.queryParams()))));
    }

    private void ifReady(RoutingContext context, Runnable answer) {
        if (!feed.isReady()) {
            problem(
                    context,
                    503,
                    "The topic of counts (COUNTS_TOPIC) is not there, or has not been read to its end yet: does streaming"
                            + " run with SINKS=console,kafka?");
            return;
        }
        try {
            answer.run();
        } catch (IllegalArgumentException e) {
            problem(context, 400, String.valueOf(e.getMessage()));
        }
    }

    private void types(RoutingContext context) {
        json(context, JSON.valueToTree(view.types()).toString());
    }

    /** What streaming said last, and how long ago that is by this clock. */
    private void progress(RoutingContext context) {
        ObjectNode said = feed.progress();
        if (said == null) {
            problem(context, 503, "Streaming has said nothing yet of how far it is.");
            return;
        }
        ObjectNode answer = said.deepCopy();
        answer.put("age_seconds", age(said, CountRecord.AT));
        if (said.has(CountRecord.COMPLETE_UNTIL)) {
            answer.put("behind_seconds", age(said, CountRecord.COMPLETE_UNTIL));
        }
        json(context, answer.toString());
    }

    /** Not below zero: the clocks are those of two machines. */
    private static double age(ObjectNode progress, String time) {
        Instant then = Instant.parse(progress.path(time).asText());
        return Math.max(0, Duration.between(then, Instant.now()).toMillis()) / 1e3;
    }

    private void counts(RoutingContext context) {
        CountsQuery query = CountsQuery.parse(context.queryParams());
        boolean csv = query.csv() == null ? prefersCsv(context) : query.csv();
        CountsRows rows = CountsRows.of(view.walk(query.filter(), false));
        Window oldest = view.oldest();
        if (history.isPresent() && reachesBehind(query.filter(), oldest)) {
            ObjectNode said = feed.progress();
            if (said == null) {
                problem(context, 503, "Streaming has said nothing yet of its windows.");
                return;
            }
            rows = history.get().rows(query.filter(), oldest, windows(said)).then(rows);
        }
        send(context, rows, csv ? CountsFormat.CSV : CountsFormat.JSON);
    }

    /** Without a {@code from}, what is asked for is what memory has. */
    private static boolean reachesBehind(Filter filter, @Nullable Window oldest) {
        return filter.from() != null && (oldest == null || filter.from().isBefore(oldest.start()));
    }

    private static CountsHistory.Windows windows(ObjectNode progress) {
        return new CountsHistory.Windows(
                progress.path(CountRecord.WINDOW_MILLIS).asLong(),
                progress.path(CountRecord.SLIDE_MILLIS).asLong(),
                progress.has(CountRecord.WATERMARK)
                        ? Instant.parse(progress.path(CountRecord.WATERMARK).asText())
                        : Instant.EPOCH);
    }

    private static boolean prefersCsv(RoutingContext context) {
        String accepted = context.request().getHeader("Accept");
        return accepted != null && accepted.startsWith("text/csv");
    }

    static void problem(RoutingContext context, int status, String detail) {
        ObjectNode body = JSON.createObjectNode()
                .put("title", status == 400 ? "The query is not one of counts." : "There are no counts yet.")
                .put("status", status)
                .put("detail", detail);
        context.response()
                .setStatusCode(status)
                .putHeader("Content-Type", "application/problem+json")
                .end(Buffer.buffer(body.toString()));
    }

    private static void json(RoutingContext context, String text) {
        context.response().putHeader("Content-Type", "application/json").end(Buffer.buffer(text));
    }

    private void send(RoutingContext context, CountsRows rows, CountsFormat format) {
        Future<List<CountsView.Row>> first = rows.hasNext() ? rows.next() : Future.succeededFuture(List.of());
        first.onSuccess(part -> {
                    context.response()
                            .putHeader("Content-Type", format.mediaType())
                            .setChunked(true);
                    send(context.response(), format.head(), part, rows, format, true);
                })
                .onFailure(trouble -> problem(context, 503, "The store of older counts: " + trouble.getMessage()));
    }

    /** Part after part, each when the one before has left. */
    private void send(
            HttpServerResponse response,
            String head,
            List<CountsView.Row> part,
            CountsRows rows,
            CountsFormat format,
            boolean none) {
        StringBuilder text = new StringBuilder(head);
        format.append(text, part, none);
        if (!rows.hasNext()) {
            response.end(text.append(format.tail()).toString());
            return;
        }
        boolean isFirst = none && part.isEmpty();
        Future<Void> left = text.isEmpty() ? Future.succeededFuture() : response.write(text.toString());
        left.onSuccess(gone -> vertx.runOnContext(turn -> rows.next()
                .onSuccess(next -> send(response, "", next, rows, format, isFirst))
                .onFailure(trouble -> {
                    LOG.warn("An answer of counts ended early: {}", trouble.getMessage());
                    // it has begun, and an end that is missing is all that can be said
                    response.reset();
                })));
    }
}
