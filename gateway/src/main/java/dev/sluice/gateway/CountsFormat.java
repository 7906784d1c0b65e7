package dev.sluice.gateway;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.io.JsonStringEncoder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.events.CountRecord;
import dev.sluice.gateway.CountsView.Row;
import dev.sluice.gateway.CountsView.Window;
import java.io.UncheckedIOException;
import java.util.List;

/** Rows as text: each on a line of its own. */
enum CountsFormat {
    /** One array. */
    JSON("application/json", "[", "\n", ",\n", "\n]\n") {
        @Override
        void append(StringBuilder text, Row row, String window) {
            json(text, row, window);
        }

        @Override
        String of(Window window) {
            return jsonOf(window);
        }
    },
    /** RFC 4180; nothing of a type's name needs a quote. */
    CSV(
            "text/csv; charset=utf-8",
            "window_start,window_end,event_type,outcome,count,final," + String.join(",", CountRecord.AGGREGATES)
                    + "\r\n",
            "",
            "",
            "") {
        @Override
        void append(StringBuilder text, Row row, String window) {
            csv(text, row, window);
        }

        @Override
        String of(Window window) {
            return window.start() + "," + window.end();
        }
    };

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final JsonStringEncoder QUOTES = JsonStringEncoder.getInstance();

    private final String mediaType;
    private final String head;
    private final String beforeFirst;
    private final String beforeNext;
    private final String tail;

    CountsFormat(String mediaType, String head, String beforeFirst, String beforeNext, String tail) {
        this.mediaType = mediaType;
        this.head = head;
        this.beforeFirst = beforeFirst;
        this.beforeNext = beforeNext;
        this.tail = tail;
    }

    String mediaType() {
        return mediaType;
    }

    String head() {
        return head;
    }

    String tail() {
        return tail;
    }

    /** @param first whether no row came before */
    void append(StringBuilder text, List<Row> rows, boolean first) {
        append(text, rows, first ? beforeFirst : beforeNext, beforeNext);
    }

    /** As JSON, all in one line. */
    static void line(StringBuilder text, List<Row> rows) {
        JSON.append(text.append('['), rows, "", ",");
        text.append(']');
    }

    private void append(StringBuilder text, List<Row> rows, String before, String beforeNext) {
        Window last = null;
        String window = "";
        String separator = before;
        for (Row row : rows) {
            // a time takes longer to write than all else of a row, and rows of a window come together
            if (!row.window().equals(last)) {
                last = row.window();
                window = of(last);
            }
            append(text.append(separator), row, window);
            separator = beforeNext;
        }
    }

    abstract void append(StringBuilder text, Row row, String window);

    abstract String of(Window window);

    private static String jsonOf(Window window) {
        return "{\"window_start\":\"" + window.start() + "\",\"window_end\":\"" + window.end() + "\",\"event_type\":";
    }

    private static void json(StringBuilder text, Row row, String window) {
        text.append(window);
        if (row.group().type().isEmpty()) {
            text.append("null");
        } else {
            // the gateway lets none of these in, but a topic may hold anything
            QUOTES.quoteAsString(row.group().type(), text.append('"'));
            text.append('"');
        }
        QUOTES.quoteAsString(row.group().outcome(), text.append(",\"outcome\":\""));
        text.append("\",\"count\":").append(row.count()).append(",\"final\":").append(row.last());
        if (row.aggregates() != null) {
            text.append(',').append(row.aggregates());
        }
        text.append('}');
    }

    private static void csv(StringBuilder text, Row row, String window) {
        text.append(window)
                .append(',')
                .append(row.group().type())
                .append(',')
                .append(row.group().outcome())
                .append(',')
                .append(row.count())
                .append(',')
                .append(row.last());
        JsonNode aggregates = aggregates(row);
        for (String name : CountRecord.AGGREGATES) {
            text.append(',').append(aggregates.path(name).asText());
        }
        text.append("\r\n");
    }

    private static JsonNode aggregates(Row row) {
        try {
            return row.aggregates() == null ? MAPPER.missingNode() : MAPPER.readTree("{" + row.aggregates() + "}");
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }
}
