package dev.sluice.gateway;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.events.CountRecord;
import dev.sluice.gateway.CountsView.Row;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Iterator;

/** Rows as text: each on a line of its own. */
enum CountsFormat {
    /** One array. */
    JSON("application/json", "[", "\n]\n") {
        @Override
        String row(Row row, boolean first) {
            return (first ? "\n" : ",\n") + json(row);
        }
    },
    /** RFC 4180; nothing of a type's name needs a quote. */
    CSV(
            "text/csv; charset=utf-8",
            "window_start,window_end,event_type,outcome,count,final," + String.join(",", CountRecord.AGGREGATES)
                    + "\r\n",
            "") {
        @Override
        String row(Row row, boolean first) {
            return csv(row);
        }
    };

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final JsonFactory FACTORY = MAPPER.getFactory();

    private final String mediaType;
    private final String head;
    private final String tail;

    CountsFormat(String mediaType, String head, String tail) {
        this.mediaType = mediaType;
        this.head = head;
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

    abstract String row(Row row, boolean first);

    /** Rows of one array, so many at most. */
    static String array(Iterator<Row> rows) {
        StringBuilder text = new StringBuilder("[");
        while (rows.hasNext()) {
            text.append(json(rows.next())).append(rows.hasNext() ? "," : "");
        }
        return text.append(']').toString();
    }

    private static String json(Row row) {
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
                json.writeRaw(',');
                json.writeRaw(row.aggregates());
            }
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    private static String csv(Row row) {
        StringBuilder text = new StringBuilder()
                .append(row.window().start())
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
        JsonNode aggregates = aggregates(row);
        for (String name : CountRecord.AGGREGATES) {
            text.append(',').append(aggregates.path(name).asText());
        }
        return text.append("\r\n").toString();
    }

    private static JsonNode aggregates(Row row) {
        try {
            return row.aggregates() == null ? MAPPER.missingNode() : MAPPER.readTree("{" + row.aggregates() + "}");
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }
}
