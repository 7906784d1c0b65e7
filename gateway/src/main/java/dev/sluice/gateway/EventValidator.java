package dev.sluice.gateway;

import static dev.sluice.events.Rejection.DUPLICATE_FIELD;
import static dev.sluice.events.Rejection.EVENT_TOO_LARGE;
import static dev.sluice.events.Rejection.INVALID_CHARACTER;
import static dev.sluice.events.Rejection.INVALID_LENGTH;
import static dev.sluice.events.Rejection.LONE_SURROGATE;
import static dev.sluice.events.Rejection.MISSING_FIELD;
import static dev.sluice.events.Rejection.NAME_TOO_LONG;
import static dev.sluice.events.Rejection.NESTED_TOO_DEEP;
import static dev.sluice.events.Rejection.NOT_AN_OBJECT;
import static dev.sluice.events.Rejection.NUMBER_TOO_LONG;
import static dev.sluice.events.Rejection.OUT_OF_RANGE;
import static dev.sluice.events.Rejection.WRONG_TYPE;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.exc.StreamReadException;
import dev.sluice.events.Field;
import dev.sluice.events.Glance;
import dev.sluice.events.Limits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.EnumSet;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Holds bytes against the event contract in one streaming pass; builds no tree and keeps nothing. For one thread. */
final class EventValidator {
    private static final String LONGEST_TIMESTAMP = Long.toString(Limits.MAX_TIMESTAMP);

    private final JsonFactory json = JsonSyntax.strict();

    private final Bounds bounds;
    private final KeyPolicy keys;
    private final Glance glance;

    EventValidator(Bounds bounds, KeyPolicy keys) {
        this.bounds = bounds;
        this.keys = keys;
        this.glance = new Glance(bounds.nesting());
    }

    /** The event that {@code bytes} are, or why they are none. */
    Verdict check(byte[] bytes) {
        if (bytes.length > bounds.eventBytes()) {
            return Refusal.of(EVENT_TOO_LARGE, "Send at most " + bounds.eventBytes() + " bytes an event.");
        }
        Refusal refusal = JsonSyntax.checkText(bytes);
        if (refusal != null) {
            return refusal;
        }
        if (keys.source() == KeyPolicy.Source.PARAMS_FIELD || !glance.isEvent(bytes)) {
            return checkJson(bytes);
        }
        String type = glance.type();
        return new Event(bytes, type, keyOf(type));
    }

    private @Nullable String keyOf(String type) {
        return keys.source() == KeyPolicy.Source.EVENT_TYPE ? type : null;
    }

    private Verdict checkJson(byte[] bytes) {
        if (!startsObject(bytes)) {
            // what is not JSON at all has a code of its own
            Refusal refusal = JsonSyntax.checkValue(bytes);
            return refusal == null
                    ? Refusal.of(NOT_AN_OBJECT, "Send one event as a JSON object: {\"event_type\": …}.")
                    : refusal;
        }
        try (JsonParser parser = json.createParser(bytes)) {
            Pass pass = new Pass(parser, JsonSyntax.hasSurrogateEscape(bytes));
            Refusal refusal = pass.refusal();
            return refusal == null ? new Event(bytes, pass.type, pass.key) : refusal;
        } catch (StreamReadException e) {
            return JsonSyntax.classify(bytes, e);
        } catch (IOException e) {
            // no input but an array, which cannot fail
            throw new UncheckedIOException(e);
        }
    }

    private static boolean startsObject(byte[] bytes) {
        int first = 0;
        while (Glance.isBlank(bytes[first])) {
            first++;
        }
        return bytes[first] == '{';
    }

    /** One reading of one event. Each method returns the first refusal, or null to go on. */
    private final class Pass {
        private final JsonParser parser;
        private final boolean surrogateEscapes;
        private final EnumSet<Field> seen = EnumSet.noneOf(Field.class);
        private String type = "";
        private @Nullable String key;

        Pass(JsonParser parser, boolean surrogateEscapes) {
            this.parser = parser;
            this.surrogateEscapes = surrogateEscapes;
        }

        @Nullable
        Refusal refusal() throws IOException {
            parser.nextToken();
            Refusal refusal = fields();
            if (refusal == null) {
                refusal = JsonSyntax.checkEnd(parser);
            }
            return refusal == null ? missing() : refusal;
        }

        private @Nullable Refusal fields() throws IOException {
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                Refusal refusal = name();
                Optional<Field> field = Field.named(parser.currentName());
                if (refusal == null && field.isPresent() && !seen.add(field.get())) {
                    refusal = Refusal.of(DUPLICATE_FIELD, field.get(), "Send " + quoted(field.get()) + " once.");
                }
                if (refusal == null) {
                    parser.nextToken();
                    refusal = field.isPresent() ? declared(field.get()) : anyValue();
                }
                if (refusal != null) {
                    return refusal;
                }
            }
            return null;
        }

        private @Nullable Refusal declared(Field field) throws IOException {
            JsonToken token = parser.currentToken();
            boolean typed =
                    switch (field.type()) {
                        case STRING -> token == JsonToken.VALUE_STRING;
                        case INTEGER -> token == JsonToken.VALUE_NUMBER_INT;
                        case OBJECT -> token == JsonToken.START_OBJECT;
                    };
            if (!typed) {
                String rule = quoted(field) + " must be " + field.type().article() + where();
                return Refusal.of(WRONG_TYPE, field, rule);
            }
            Refusal refusal = walk(field == Field.PARAMS && keys.source() == KeyPolicy.Source.PARAMS_FIELD);
            if (refusal != null) {
                return refusal;
            }
            return switch (field) {
                case EVENT_TYPE -> eventType();
                case TIMESTAMP -> timestamp();
                case EVENT_ID -> length(field, Limits.EVENT_ID_CHARACTERS);
                case PARAMS -> null;
            };
        }

        private @Nullable Refusal eventType() throws IOException {
            Refusal refusal = length(Field.EVENT_TYPE, Limits.EVENT_TYPE_CHARACTERS);
            type = parser.getText();
            if (keys.source() == KeyPolicy.Source.EVENT_TYPE) {
                key = keyOf(type);
            }
            boolean allowed = type.chars().allMatch(Limits::isEventTypeCharacter);
            if (refusal == null && !allowed) {
                return Refusal.of(
                        INVALID_CHARACTER,
                        Field.EVENT_TYPE,
                        quoted(Field.EVENT_TYPE) + " takes the letters a to z in either case, digits and . _ - : /"
                                + where());
            }
            return refusal;
        }

        private @Nullable Refusal timestamp() throws IOException {
            boolean fits = parser.getTextLength() <= LONGEST_TIMESTAMP.length();
            if (!fits || parser.getLongValue() < 0 || parser.getLongValue() > Limits.MAX_TIMESTAMP) {
                return Refusal.of(
                        OUT_OF_RANGE,
                        Field.TIMESTAMP,
                        quoted(Field.TIMESTAMP) + " is in milliseconds since 1970 UTC, 0 to " + LONGEST_TIMESTAMP
                                + where());
            }
            return null;
        }

        private @Nullable Refusal length(Field field, int most) throws IOException {
            String text = parser.getText();
            int characters = text.codePointCount(0, text.length());
            if (characters < 1 || characters > most) {
                return Refusal.of(
                        INVALID_LENGTH,
                        field,
                        quoted(field) + " takes 1 to " + most + " characters; here are " + characters + where());
            }
            return null;
        }

        private @Nullable Refusal anyValue() throws IOException {
            return walk(false);
        }

        /**
         * Walks over the current value, however deep, and leaves the parser on its last token.
         *
         * @param holdsKey whether a member of this object is the key
         */
        private @Nullable Refusal walk(boolean holdsKey) throws IOException {
            int depth = 0;
            do {
                JsonToken token = parser.currentToken();
                Refusal refusal = null;
                if (token.isStructStart()) {
                    depth++;
                } else if (token.isStructEnd()) {
                    depth--;
                } else if (token == JsonToken.FIELD_NAME) {
                    refusal = name();
                } else {
                    refusal = scalar(token);
                    if (holdsKey && depth == 1 && keys.field().equals(parser.currentName())) {
                        key = token == JsonToken.VALUE_NULL ? null : parser.getText();
                    }
                }
                if (depth > bounds.nesting()) {
                    refusal = Refusal.of(NESTED_TOO_DEEP, "Nest at most " + bounds.nesting() + " deep" + where());
                }
                if (refusal != null) {
                    return refusal;
                }
            } while (depth > 0 && parser.nextToken() != null);
            return null;
        }

        private @Nullable Refusal scalar(JsonToken token) throws IOException {
            if (token == JsonToken.VALUE_STRING) {
                return surrogates();
            }
            if (token.isNumeric() && parser.getTextLength() > Limits.NUMBER_CHARACTERS) {
                return Refusal.of(
                        NUMBER_TOO_LONG,
                        "Write a number in at most " + Limits.NUMBER_CHARACTERS + " characters" + where());
            }
            return null;
        }

        private @Nullable Refusal name() throws IOException {
            if (parser.getTextLength() > Limits.NAME_CHARACTERS) {
                return Refusal.of(
                        NAME_TOO_LONG, "Name a field in at most " + Limits.NAME_CHARACTERS + " characters" + where());
            }
            return surrogates();
        }

        private @Nullable Refusal surrogates() throws IOException {
            if (surrogateEscapes && JsonSyntax.hasLoneSurrogate(parser.getText())) {
                return Refusal.of(LONE_SURROGATE, JsonSyntax.SURROGATE_ADVICE + where());
            }
            return null;
        }

        private @Nullable Refusal missing() {
            for (Field field : Field.values()) {
                if (field.required() && !seen.contains(field)) {
                    return Refusal.of(
                            MISSING_FIELD,
                            field,
                            "Add " + quoted(field) + ", " + field.type().article() + ".");
                }
            }
            return null;
        }

        private String where() {
            return " (" + JsonSyntax.at(parser.currentTokenLocation()) + ").";
        }

        private String quoted(Field field) {
            return '"' + field.wireName() + '"';
        }
    }
}
