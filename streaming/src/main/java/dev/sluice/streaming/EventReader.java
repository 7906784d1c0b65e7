package dev.sluice.streaming;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.sluice.events.Field;
import dev.sluice.events.Glance;
import dev.sluice.events.Limits;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads the declared fields of an event, each of its declared type; any other field is skipped. Spark's {@code from_json}
 * makes a text of a number or an object where one is declared. Where nothing of params is wanted, most events need no
 * parser. For one thread.
 */
final class EventReader {
    private static final JsonFactory JSON = new JsonFactory();

    private final Aggregates aggregates;
    private final Glance glance = new Glance(Glance.DEEPEST);
    private @Nullable String type;
    private @Nullable String id;
    private @Nullable Long timestamp;
    private @Nullable String distinct;
    private @Nullable Double value;

    /** @param aggregates name the fields of params that are read; the rest of them is skipped */
    EventReader(Aggregates aggregates) {
        this.aggregates = aggregates;
    }

    /**
     * Whether the bytes are an event; the fields are those of the last that was.
     *
     * @param value null where the record has none
     */
    boolean read(byte @Nullable [] value) {
        type = null;
        id = null;
        timestamp = null;
        distinct = null;
        this.value = null;
        if (value == null || !isUtf8(value)) {
            return false;
        }
        if (aggregates.areNone() && glance.isEvent(value) && glance.isAscii()) {
            type = glance.type();
            id = glance.id();
            timestamp = glance.timestamp() == Glance.NONE ? null : glance.timestamp();
            return true;
        }
        try (JsonParser parser = JSON.createParser(value)) {
            return readObject(parser) && parser.nextToken() == null && type != null;
        } catch (IOException notJson) {
            return false;
        }
    }

    /** Jackson takes a byte-order mark, and would find out about UTF-16 and UTF-32 by their zeros. */
    private static boolean isUtf8(byte[] value) {
        return value.length > 1 && value[0] > 0 && value[1] != 0;
    }

    private boolean readObject(JsonParser parser) throws IOException {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            return false;
        }
        for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
            Optional<Field> field = Field.named(name);
            JsonToken token = parser.nextToken();
            if (field.isPresent() && token != JsonToken.VALUE_NULL && !readField(field.get(), token, parser)) {
                return false;
            }
            parser.skipChildren();
        }
        return parser.currentToken() == JsonToken.END_OBJECT;
    }

    private boolean readField(Field field, JsonToken token, JsonParser parser) throws IOException {
        boolean ofItsType = token
                == switch (field.type()) {
                    case STRING -> JsonToken.VALUE_STRING;
                    case INTEGER -> JsonToken.VALUE_NUMBER_INT;
                    case OBJECT -> JsonToken.START_OBJECT;
                };
        if (!ofItsType) {
            return false;
        }
        switch (field) {
            case EVENT_TYPE -> type = parser.getText();
            case EVENT_ID -> id = parser.getText();
            case TIMESTAMP -> {
                long millis = parser.getLongValue();
                timestamp = millis;
                return millis >= 0 && millis <= Limits.MAX_TIMESTAMP;
            }
            case PARAMS -> {
                if (!aggregates.areNone()) {
                    readParams(parser);
                }
            }
        }
        return true;
    }

    private void readParams(JsonParser parser) throws IOException {
        for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
            JsonToken token = parser.nextToken();
            if (name.equals(aggregates.distinctOf()) && token.isScalarValue() && token != JsonToken.VALUE_NULL) {
                distinct = parser.getText();
            }
            if (name.equals(aggregates.valueOf()) && token.isNumeric()) {
                double number = parser.getDoubleValue();
                value = Double.isFinite(number) ? number : null;
            }
            parser.skipChildren();
        }
    }

    /** Null where the last record was no event. */
    @Nullable
    String type() {
        return type;
    }

    /** Null where the event has none. */
    @Nullable
    String id() {
        return id;
    }

    /** Milliseconds since 1970 UTC; null where the event has none. */
    @Nullable
    Long timestamp() {
        return timestamp;
    }

    /** The text of the field whose distinct values are counted; null where the event has none, or no text or number. */
    @Nullable
    String distinct() {
        return distinct;
    }

    /** The number of the field that is summed up; null where the event has none, or none that a double can hold. */
    @Nullable
    Double value() {
        return value;
    }
}
