package dev.sluice.gateway;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.events.CountRecord;
import dev.sluice.gateway.CountsView.Filter;
import dev.sluice.gateway.CountsView.Row;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Answers what the counts are, from a {@link CountsView}: as JSON and as CSV. */
final class CountsApi {
    static final String COUNTS = "/api/counts";
    static final String TYPES = "/api/types";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonFactory FACTORY = JSON.getFactory();
    private static final Set<String> PARAMETERS = Set.of("type", "outcome", "from", "to", "format");
    private static final List<String> OUTCOMES = List.of("counted", "late", "future", "malformed", "duplicate");
    private static final List<String> AGGREGATES = List.of("distinct_count", "sum", "min", "max", "p50", "p95", "p99");
    private static final String CSV = "text/csv";

    /** Rows of one write: the event loop is held no longer than for these. */
    private static final int AT_ONCE = 500;

    private final CountsView view;
    private final CountsFeed feed;
    private final CountsStream stream;

    CountsApi(CountsView view, CountsFeed feed, CountsStream stream) {
        this.view = view;
        this.feed = feed;
        this.stream = stream;
    }

    void mount(Router router) {
        router.get(COUNTS).handler(this::counts);
        router.get(TYPES).handler(this::types);
        router.get(CountsStream.PATH).handler(context -> {
            if (isReady(context)) {
                stream.open(context);
            }
        });
    }

    private void types(RoutingContext context) {
        if (isReady(context)) {
            Buffer types = Buffer.buffer(JSON.valueToTree(view.types()).toString());
            context.response().putHeader("Content-Type", "application/json").end(types);
        }
    }

    private void counts(RoutingContext context) {
        Set<String> unknown = new TreeSet<>(context.queryParams().names());
        unknown.removeAll(PARAMETERS);
        String outcome = context.queryParams().get("outcome");
        String format = context.queryParams().get("format");
        Instant from;
        Instant to;
        try {
            from = time(context, "from");
            to = time(context, "to");
        } catch (DateTimeException e) {
            problem(context, 400, "from and to are times such as 2026-11-24T06:50:00Z, not " + e.getMessage() + ".");
            return;
        }
        if (!unknown.isEmpty()) {
            problem(
                    context,
                    400,
                    "There is no parameter " + unknown + "; there are " + new TreeSet<>(PARAMETERS) + ".");
        } else if (outcome != null && !OUTCOMES.contains(outcome)) {
            problem(context, 400, "outcome=" + outcome + ": must be one of " + String.join(", ", OUTCOMES) + ".");
        } else if (format != null && !format.equals("csv") && !format.equals("json")) {
            problem(context, 400, "format=" + format + ": must be json or csv.");
        } else if (isReady(context)) {
            List<Row> rows = view.rows(new Filter(context.queryParams().get("type"), outcome, from, to));
            boolean csv = "csv".equals(format) || (format == null && prefersCsv(context));
            send(context.response(), rows, csv);
        }
    }

    private static boolean prefersCsv(RoutingContext context) {
        String accepted = context.request().getHeader("Accept");
        return accepted != null && accepted.startsWith(CSV);
    }

    private static @Nullable Instant time(RoutingContext context, String name) {
        String text = context.queryParams().get(name);
        return text == null ? null : Instant.parse(text);
    }

    private boolean isReady(RoutingContext context) {
        if (!feed.isReady()) {
            problem(
                    context,
                    503,
                    "The topic of counts (COUNTS_TOPIC) is not there, or has not been read to its end yet: does streaming"
                            + " run with SINKS=console,kafka?");
        }
        return feed.isReady();
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

    private static void send(HttpServerResponse response, List<Row> rows, boolean csv) {
        response.putHeader("Content-Type", csv ? CSV + "; charset=utf-8" : "application/json")
                .setChunked(true);
        String head = csv
                ? "window_start,window_end,event_type,outcome,count,final," + String.join(",", AGGREGATES) + "\r\n"
                : "[";
        send(response, head, rows.iterator(), csv, true);
    }

    /** Part after part, each when the one before has left. */
    private static void send(HttpServerResponse response, String head, Iterator<Row> rows, boolean csv, boolean first) {
        StringBuilder text = new StringBuilder(head);
        boolean begun = !first;
        for (int i = 0; i < AT_ONCE && rows.hasNext(); i++) {
            if (csv) {
                csv(text, rows.next());
            } else {
                text.append(begun ? ",\n" : "\n").append(json(rows.next()));
            }
            begun = true;
        }
        if (!rows.hasNext()) {
            response.end(text.append(csv ? "" : "\n]\n").toString());
            return;
        }
        Future<Void> written = response.write(text.toString());
        written.onSuccess(gone -> send(response, "", rows, csv, false));
    }

    /** A row as the API and the page have it. */
    static String json(Row row) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = FACTORY.createGenerator(text)) {
            json.writeStartObject();
            json.writeStringField(CountRecord.WINDOW_START, row.window().start().toString());
            json.writeStringField(CountRecord.WINDOW_END, row.window().end().toString());
            if (row.group().type().isEmpty()) {
                json.writeNullField(CountRecord.EVENT_TYPE);
            } else {
                json.writeStringField(CountRecord.EVENT_TYPE, row.group().type());
            }
            json.writeStringField(CountRecord.OUTCOME, row.group().outcome());
            json.writeNumberField(CountRecord.COUNT, row.count());
            json.writeBooleanField("final", row.last());
            if (row.aggregates() != null) {
                for (var aggregate : row.aggregates().properties()) {
                    json.writeFieldName(aggregate.getKey());
                    JSON.writeTree(json, aggregate.getValue());
                }
            }
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    /** RFC 4180; nothing of a type's name needs a quote. */
    private static void csv(StringBuilder text, Row row) {
        text.append(row.window().start())
                .append(',')
                .append(row.window().end())
                .append(',')
                .append(row.group().type())
                .append(',')
                .append(row.group().outcome())
                .append(',')
                .append(row.count())
                .append(',')
                .append(row.last());
        for (String aggregate : AGGREGATES) {
            text.append(',');
            if (row.aggregates() != null && row.aggregates().has(aggregate)) {
                text.append(row.aggregates().get(aggregate).asText());
            }
        }
        text.append("\r\n");
    }
}
