package dev.sluice.gateway;

import static dev.sluice.events.Rejection.NOT_AN_OBJECT;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.exc.StreamReadException;
import io.vertx.core.MultiMap;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads CloudEvents off HTTP: the binary mode of its HTTP binding, and the JSON format, of 1.0. */
final class CloudEventReader {
    private static final String HEADER = "ce-";

    private final JsonFactory json = JsonSyntax.strict();

    /** Binary mode: the attributes from the headers, the data from the body. */
    CloudEvent binary(MultiMap headers, byte[] body) throws RefusedException {
        CloudEvent event = new CloudEvent();
        for (Map.Entry<String, String> header : headers) {
            String name = header.getKey().toLowerCase(Locale.ROOT);
            if (name.equals(HEADER + CloudEvent.DATA_CONTENT_TYPE)) {
                throw CloudEvent.invalid("Content-Type says what the data is: remove ce-datacontenttype");
            }
            if (name.startsWith(HEADER)) {
                event.attribute(name.substring(HEADER.length()), decode(header.getValue()));
            }
        }
        String contentType = headers.get("Content-Type");
        if (contentType != null) {
            event.attribute(CloudEvent.DATA_CONTENT_TYPE, contentType);
        }
        event.data(body);
        return event;
    }

    /** Structured mode, and one item of a batch: one JSON object. */
    CloudEvent structured(byte[] bytes) throws RefusedException {
        Refusal refusal = JsonSyntax.checkText(bytes);
        if (refusal != null) {
            throw refusal.asException();
        }
        String text = new String(bytes, StandardCharsets.UTF_8);
        try (JsonParser parser = json.createParser(text)) {
            return structured(parser, text);
        } catch (StreamReadException e) {
            throw JsonSyntax.classify(bytes, e).asException();
        } catch (IOException e) {
            // no input but an array, which cannot fail
            throw new UncheckedIOException(e);
        }
    }

    private static CloudEvent structured(JsonParser parser, String source) throws IOException, RefusedException {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw Refusal.of(NOT_AN_OBJECT, "Send a CloudEvent as a JSON object.")
                    .asException();
        }
        CloudEvent event = new CloudEvent();
        Payload payload = new Payload();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            JsonToken token = parser.nextToken();
            if (name.equals(CloudEvent.DATA) || name.equals(CloudEvent.DATA_BASE64)) {
                payload.read(name, parser, source);
            } else if (token.isStructStart() || token == JsonToken.VALUE_NUMBER_FLOAT) {
                throw CloudEvent.invalid("\"" + name + "\" must be a string, an integer or a boolean");
            } else if (token != JsonToken.VALUE_NULL) {
                // null is an attribute that is not there
                event.attribute(name, parser.getText());
            }
        }
        Refusal after = JsonSyntax.checkEnd(parser);
        if (after != null) {
            throw after.asException();
        }
        payload.giveTo(event);
        return event;
    }

    /**
     * As the HTTP binding has it: quotes and backslashes first, then percent-encoding. Some senders encode nothing, the
     * Java SDK among them: what cannot be decoded is taken as it stands.
     */
    private static String decode(String value) {
        // a header's characters are its bytes
        byte[] bytes = value.getBytes(StandardCharsets.ISO_8859_1);
        String text = JsonSyntax.isUtf8(bytes) ? new String(bytes, StandardCharsets.UTF_8) : value;
        if (text.length() >= 2 && text.startsWith("\"") && text.endsWith("\"")) {
            text = text.substring(1, text.length() - 1).replaceAll("\\\\(.)", "$1");
        }
        try {
            return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return text;
        }
    }

    /** The data of a CloudEvent, kept until its media type is known. */
    private static final class Payload {
        private @Nullable String text;
        private byte @Nullable [] json;
        private byte @Nullable [] binary;

        void read(String name, JsonParser parser, String source) throws IOException, RefusedException {
            if (text != null || json != null || binary != null) {
                throw CloudEvent.invalid("\"data\" and \"data_base64\" are there together, or one is there twice");
            }
            JsonToken token = parser.currentToken();
            if (token == JsonToken.VALUE_NULL) {
                return;
            }
            if (name.equals(CloudEvent.DATA)) {
                int start = (int) parser.currentTokenLocation().getCharOffset();
                text = token == JsonToken.VALUE_STRING ? parser.getText() : null;
                parser.finishToken();
                parser.skipChildren();
                int end = (int) parser.currentLocation().getCharOffset();
                json = source.substring(start, end).getBytes(StandardCharsets.UTF_8);
            } else {
                binary = base64(token == JsonToken.VALUE_STRING ? parser.getText() : "?");
            }
        }

        /** A string of a media type other than JSON is the text itself; anything else is JSON. */
        void giveTo(CloudEvent event) throws RefusedException {
            if (binary != null) {
                event.data(binary);
            } else if (json != null && (text == null || event.hasJsonData())) {
                event.jsonData(json);
            } else if (text != null) {
                event.text(text);
            }
        }

        private static byte[] base64(String text) throws RefusedException {
            try {
                return Base64.getDecoder().decode(text);
            } catch (IllegalArgumentException e) {
                throw CloudEvent.invalid("\"data_base64\" must be a string in Base64 (RFC 4648)");
            }
        }
    }
}
