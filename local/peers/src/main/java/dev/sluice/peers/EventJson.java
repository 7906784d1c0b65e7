package dev.sluice.peers;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Reads the two fields of an event that the count needs, with Jackson's streaming parser. */
final class EventJson {
    private static final JsonFactory JSON = new JsonFactory();

    private EventJson() {}

    /** The event, or null where the bytes are none. */
    static @Nullable Event read(byte[] bytes) {
        String type = null;
        long timestamp = -1;
        try (JsonParser json = JSON.createParser(bytes)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                return null;
            }
            for (String field = json.nextFieldName(); field != null; field = json.nextFieldName()) {
                JsonToken value = json.nextToken();
                if (field.equals("event_type") && value == JsonToken.VALUE_STRING) {
                    type = json.getText();
                } else if (field.equals("timestamp") && value == JsonToken.VALUE_NUMBER_INT) {
                    timestamp = json.getLongValue();
                } else {
                    json.skipChildren();
                }
            }
        } catch (IOException malformed) {
            return null;
        }
        return type == null || timestamp < 0 ? null : new Event(type, timestamp);
    }
}
