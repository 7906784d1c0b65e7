package dev.sluice.gateway;

import static dev.sluice.events.Rejection.BYTE_ORDER_MARK;
import static dev.sluice.events.Rejection.COMMENT;
import static dev.sluice.events.Rejection.EMPTY_BODY;
import static dev.sluice.events.Rejection.INVALID_JSON;
import static dev.sluice.events.Rejection.INVALID_UTF8;
import static dev.sluice.events.Rejection.LONE_SURROGATE;
import static dev.sluice.events.Rejection.NOT_A_NUMBER;
import static dev.sluice.events.Rejection.TRAILING_COMMA;
import static dev.sluice.events.Rejection.TRAILING_TEXT;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamReadException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import dev.sluice.events.Glance;
import dev.sluice.events.Rejection;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** RFC 8259 in UTF-8 to the letter, and which of the usual liberties a body took when it is not. */
final class JsonSyntax {
    private record Liberty(Rejection rejection, String advice, JsonFactory factory) {}

    private static final List<Liberty> LIBERTIES = List.of(
            new Liberty(
                    COMMENT,
                    "Remove the comment",
                    factory(JsonReadFeature.ALLOW_JAVA_COMMENTS, JsonReadFeature.ALLOW_YAML_COMMENTS)),
            new Liberty(TRAILING_COMMA, "Remove the comma", factory(JsonReadFeature.ALLOW_TRAILING_COMMA)),
            new Liberty(
                    NOT_A_NUMBER,
                    "Send null, or leave the field out",
                    factory(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)));

    private static final JsonFactory STRICT = strict();

    static final String SURROGATE_ADVICE = "Escape both halves of the pair, or write the character itself";

    private JsonSyntax() {}

    static JsonFactory strict() {
        return factory();
    }

    /** Why {@code bytes} cannot be JSON text, whatever it says; null where they can. */
    static @Nullable Refusal checkText(byte[] bytes) {
        if (areBlank(bytes)) {
            return Refusal.of(EMPTY_BODY, "Send one event as a JSON object.");
        }
        if (bytes.length >= 3 && bytes[0] == (byte) 0xEF && bytes[1] == (byte) 0xBB && bytes[2] == (byte) 0xBF) {
            return Refusal.of(BYTE_ORDER_MARK, "Send the bytes after the first three.");
        }
        // Jackson takes overlong forms and encoded surrogates; RFC 3629 takes neither.
        return isUtf8(bytes)
                ? null
                : Refusal.of(INVALID_UTF8, "The first bad byte is number " + firstBadByte(bytes) + ".");
    }

    /** Why {@code bytes} are not exactly one JSON value of any kind; null where they are. */
    static @Nullable Refusal checkValue(byte[] bytes) {
        Refusal refusal = checkText(bytes);
        if (refusal != null) {
            return refusal;
        }
        try (JsonParser parser = STRICT.createParser(bytes)) {
            parser.nextToken();
            parser.skipChildren();
            return checkEnd(parser);
        } catch (StreamReadException e) {
            return classify(bytes, e);
        } catch (IOException e) {
            // no input but an array, which cannot fail
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Whether nothing follows the value that {@code parser} has read.
     *
     * @throws StreamReadException for a comment, which has a code of its own
     */
    static @Nullable Refusal checkEnd(JsonParser parser) throws IOException {
        try {
            if (parser.nextToken() == null) {
                return null;
            }
        } catch (StreamReadException e) {
            if (isComment(e)) {
                throw e;
            }
        }
        return Refusal.of(
                TRAILING_TEXT, "Send one value, and nothing after it (" + at(parser.currentTokenLocation()) + ").");
    }

    static boolean isUtf8(byte[] bytes) {
        return isAscii(bytes) || ByteBufUtil.isText(Unpooled.wrappedBuffer(bytes), StandardCharsets.UTF_8);
    }

    private static boolean isAscii(byte[] bytes) {
        int bits = 0;
        for (byte b : bytes) {
            bits |= b;
        }
        return bits >= 0;
    }

    static boolean areBlank(byte[] bytes) {
        for (byte b : bytes) {
            if (!Glance.isBlank(b)) {
                return false;
            }
        }
        return true;
    }

    /** The code for a body that the strict parser refused: it goes further once the liberty that it took is allowed. */
    static Refusal classify(byte[] bytes, StreamReadException fault) {
        String where = " (" + at(fault.getLocation()) + ").";
        // Jackson itself looks at escapes in names, and at no others
        if (fault.getOriginalMessage().contains("surrogate")) {
            return Refusal.of(LONE_SURROGATE, SURROGATE_ADVICE + where);
        }
        int strict = tokens(strict(), bytes);
        for (Liberty liberty : LIBERTIES) {
            if (tokens(liberty.factory, bytes) > strict) {
                return Refusal.of(liberty.rejection, liberty.advice + where);
            }
        }
        return Refusal.of(INVALID_JSON, fault.getOriginalMessage() + where);
    }

    /** Whether the strict parser stumbled over what starts a comment. */
    private static boolean isComment(StreamReadException fault) {
        String message = fault.getOriginalMessage();
        return message.contains("('/' (code 47))") || message.contains("('#' (code 35))");
    }

    static String at(JsonLocation location) {
        return "line " + location.getLineNr() + ", column " + location.getColumnNr();
    }

    /** Whether an escape may name a surrogate; a backslash that is itself escaped only costs a closer look. */
    static boolean hasSurrogateEscape(byte[] bytes) {
        for (int i = 0; i + 3 < bytes.length; i++) {
            if (bytes[i] == '\\' && bytes[i + 1] == 'u' && (bytes[i + 2] | 0x20) == 'd' && bytes[i + 3] >= '8') {
                return true;
            }
        }
        return false;
    }

    static boolean hasLoneSurrogate(String text) {
        // only a lone surrogate stands in the stream of code points as itself
        return text.codePoints().anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
    }

    /** Index of the first byte at which {@code bytes} stop being UTF-8. */
    static int firstBadByte(byte[] bytes) {
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CharBuffer out = CharBuffer.allocate(1024);
        CoderResult result;
        do {
            out.clear();
            result = decoder.decode(in, out, true);
        } while (result.isOverflow());
        return in.position();
    }

    /** Tokens up to the fault; more than any body has when there is none. */
    private static int tokens(JsonFactory factory, byte[] bytes) {
        int tokens = 0;
        try (JsonParser parser = factory.createParser(bytes)) {
            while (parser.nextToken() != null) {
                tokens++;
            }
            return Integer.MAX_VALUE;
        } catch (IOException e) {
            return tokens;
        }
    }

    private static JsonFactory factory(JsonReadFeature... liberties) {
        JsonFactoryBuilder builder = new JsonFactoryBuilder()
                // The contract's own limits have codes of their own, and the body's size bounds all of these.
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(Integer.MAX_VALUE)
                        .maxNumberLength(Integer.MAX_VALUE)
                        .maxNameLength(Integer.MAX_VALUE)
                        .build())
                // Names come from strangers: neither shared nor kept.
                .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                .disable(JsonFactory.Feature.CHARSET_DETECTION);
        for (JsonReadFeature liberty : liberties) {
            builder.enable(liberty);
        }
        return builder.build();
    }
}
