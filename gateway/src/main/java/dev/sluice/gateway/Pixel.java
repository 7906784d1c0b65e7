package dev.sluice.gateway;

import static dev.sluice.events.Rejection.DUPLICATE_FIELD;
import static dev.sluice.events.Rejection.INVALID_QUERY;
import static dev.sluice.events.Rejection.OUT_OF_RANGE;
import static dev.sluice.events.Rejection.WRONG_TYPE;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.events.Field;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/**
 * An event as the query of an image's address, for pages that may run no script: {@code event_type}, {@code timestamp}
 * and {@code event_id} are the fields, any other parameter is a text of {@code params}.
 */
final class Pixel {
    /** One transparent pixel, GIF 89a. */
    static final Buffer IMAGE =
            Buffer.buffer(Base64.getDecoder().decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"));

    private static final ObjectMapper JSON = new ObjectMapper();

    private Pixel() {}

    /**
     * The event's JSON.
     *
     * @throws RefusedException for a parameter that is there twice, for {@code params}, for a timestamp in other than
     *     digits
     */
    static byte[] toEvent(MultiMap query) throws RefusedException {
        ObjectNode event = JSON.createObjectNode();
        ObjectNode params = JSON.createObjectNode();
        for (String name : query.names()) {
            List<String> values = query.getAll(name);
            Optional<Field> field = Field.named(name);
            if (values.size() > 1) {
                throw field.map(twice -> Refusal.of(DUPLICATE_FIELD, twice, "Send " + name + " once."))
                        .orElse(Refusal.of(INVALID_QUERY, "The parameter " + name + " is there twice."))
                        .asException();
            }
            if (field.isPresent()) {
                put(event, field.get(), values.get(0));
            } else {
                params.put(name, values.get(0));
            }
        }
        if (!params.isEmpty()) {
            event.set(Field.PARAMS.wireName(), params);
        }
        return bytes(event);
    }

    private static void put(ObjectNode event, Field field, String value) throws RefusedException {
        switch (field) {
            case EVENT_TYPE, EVENT_ID -> event.put(field.wireName(), value);
            case TIMESTAMP -> event.put(field.wireName(), number(value));
            case PARAMS ->
                throw Refusal.of(INVALID_QUERY, Field.PARAMS, "Send each field of params as a parameter of its own.")
                        .asException();
        }
    }

    private static long number(String value) throws RefusedException {
        if (!value.matches("-?[0-9]+")) {
            throw Refusal.of(WRONG_TYPE, Field.TIMESTAMP, "\"timestamp\" must be an integer.")
                    .asException();
        }
        try {
            return Long.parseLong(value);
        } catch (NumberFormatException e) {
            throw Refusal.of(OUT_OF_RANGE, Field.TIMESTAMP, "\"timestamp\" is in milliseconds since 1970 UTC.")
                    .asException();
        }
    }

    private static byte[] bytes(ObjectNode event) {
        try {
            return JSON.writeValueAsBytes(event);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
