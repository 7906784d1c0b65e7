package dev.sluice.gateway;

import static dev.sluice.events.Rejection.INVALID_CLOUDEVENT;
import static dev.sluice.events.Rejection.LONE_SURROGATE;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import dev.sluice.events.Field;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One CloudEvent 1.0, whichever way it came, and the event that it is to Sluice.
 *
 * <p>{@code type}, {@code time}, {@code id} and {@code data} become {@code event_type}, {@code timestamp},
 * {@code event_id} and {@code params}; the other attributes stay as they are named, in the order of their names. Data
 * that is no JSON object stays {@code data}, or {@code data_base64} where it is not UTF-8.
 */
final class CloudEvent {
    static final String DATA = "data";
    static final String DATA_BASE64 = "data_base64";
    static final String DATA_CONTENT_TYPE = "datacontenttype";

    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(JsonWriteFeature.COMBINE_UNICODE_SURROGATES_IN_UTF8)
            .build();
    private static final List<String> REQUIRED = List.of("specversion", "id", "source", "type");
    private static final Pattern NAME = Pattern.compile("[a-z0-9]+");
    /** What JSON data is said to be, or is when nothing is said: left out, so that both are the same record. */
    private static final Pattern DEFAULT_CONTENT_TYPE =
            Pattern.compile("application/json(\\s*;\\s*charset=utf-8)?", Pattern.CASE_INSENSITIVE);

    private final Map<String, String> attributes = new TreeMap<>();
    private byte @Nullable [] data;
    private boolean dataIsJson;

    /** @throws RefusedException for a name that the specification does not allow, or that is there twice */
    void attribute(String name, String value) throws RefusedException {
        if (!NAME.matcher(name).matches() || name.equals(DATA)) {
            throw invalid("An attribute's name has lower-case letters and digits only, and is not data: rename \""
                    + name + "\"");
        }
        if (Field.named(name).isPresent()) {
            throw invalid("\"" + name + "\" is a field of the event: name the extension otherwise");
        }
        if (JsonSyntax.hasLoneSurrogate(value)) {
            throw Refusal.of(LONE_SURROGATE, JsonSyntax.SURROGATE_ADVICE + " (\"" + name + "\").")
                    .asException();
        }
        if (attributes.put(name, value) != null) {
            throw invalid("\"" + name + "\" is there twice");
        }
    }

    /** A payload that is text, of a media type other than JSON. */
    void text(String text) throws RefusedException {
        if (JsonSyntax.hasLoneSurrogate(text)) {
            throw Refusal.of(LONE_SURROGATE, JsonSyntax.SURROGATE_ADVICE + " (\"data\").")
                    .asException();
        }
        data(text.getBytes(StandardCharsets.UTF_8));
    }

    /** The payload, of the media type that {@code datacontenttype} names. */
    void data(byte[] bytes) {
        data = bytes;
        dataIsJson = hasJsonData();
    }

    /** Whether {@code datacontenttype}, as far as it is known, says that the payload is JSON. */
    boolean hasJsonData() {
        return isJson(attributes.getOrDefault(DATA_CONTENT_TYPE, "application/json"));
    }

    /** A payload that is a JSON value, whatever {@code datacontenttype} says. */
    void jsonData(byte[] value) {
        data = value;
        dataIsJson = true;
    }

    /**
     * The event's JSON: the same bytes for the same CloudEvent, in whichever mode it came.
     *
     * @throws RefusedException for an attribute that the specification does not allow, and for JSON data that is none
     */
    byte[] toEvent() throws RefusedException {
        check();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(out)) {
            json.writeStartObject();
            json.writeStringField(Field.EVENT_TYPE.wireName(), attributes.get("type"));
            if (attributes.containsKey("time")) {
                json.writeNumberField(Field.TIMESTAMP.wireName(), millis(attributes.get("time")));
            }
            json.writeStringField(Field.EVENT_ID.wireName(), attributes.get("id"));
            writeData(json);
            for (Map.Entry<String, String> attribute : attributes.entrySet()) {
                if (isKept(attribute.getKey(), attribute.getValue())) {
                    json.writeStringField(attribute.getKey(), attribute.getValue());
                }
            }
            json.writeEndObject();
        } catch (IOException e) {
            // no output but to memory, which cannot fail
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    private void check() throws RefusedException {
        for (String name : REQUIRED) {
            if (attributes.getOrDefault(name, "").isEmpty()) {
                throw invalid("\"" + name + "\" is missing or empty");
            }
        }
        if (!"1.0".equals(attributes.get("specversion"))) {
            throw invalid("\"specversion\" must be 1.0");
        }
        if (dataIsJson && data != null) {
            Refusal refusal = JsonSyntax.areBlank(data) ? null : JsonSyntax.checkValue(data);
            if (refusal != null) {
                throw refusal.asException();
            }
        }
    }

    private void writeData(JsonGenerator json) throws IOException {
        if (data == null || data.length == 0) {
            return;
        }
        if (dataIsJson) {
            String value = new String(data, StandardCharsets.UTF_8).strip();
            if (!value.isEmpty()) {
                json.writeFieldName(value.startsWith("{") ? Field.PARAMS.wireName() : DATA);
                json.writeRawValue(value);
            }
        } else if (JsonSyntax.isUtf8(data)) {
            json.writeStringField(DATA, new String(data, StandardCharsets.UTF_8));
        } else {
            json.writeStringField(DATA_BASE64, Base64.getEncoder().encodeToString(data));
        }
    }

    private static boolean isKept(String name, String value) {
        return switch (name) {
            case "type", "time", "id" -> false;
            case DATA_CONTENT_TYPE -> !DEFAULT_CONTENT_TYPE.matcher(value).matches();
            default -> true;
        };
    }

    /** RFC 3339, as the specification has it; what is finer than a millisecond is cut off. */
    private static long millis(@Nullable String time) throws RefusedException {
        try {
            return OffsetDateTime.parse(String.valueOf(time).toUpperCase(Locale.ROOT))
                    .toInstant()
                    .toEpochMilli();
        } catch (DateTimeException e) {
            throw invalid("\"time\" must be of RFC 3339, as 2026-01-31T08:15:30Z");
        }
    }

    /** As the JSON format has it: {@code text/json}, {@code application/json}, {@code …+json}. */
    private static boolean isJson(String contentType) {
        String type = contentType.toLowerCase(Locale.ROOT).split(";", 2)[0].strip();
        return type.endsWith("/json") || type.endsWith("+json");
    }

    static RefusedException invalid(String detail) {
        return Refusal.of(INVALID_CLOUDEVENT, detail + ".").asException();
    }
}
