package dev.sluice.events;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The contract once more, written down as plainly as it can be: RFC 8259 by recursive descent, then the rules of the
 * fields. The gateway and the stream job are each held against it, so that they agree with one another.
 */
public final class Reference {
    /** What every reader must make of an event. */
    public record Read(String eventType, OptionalLong timestamp, Optional<String> eventId) {}

    private static final class NoEvent extends Exception {
        private static final long serialVersionUID = 1;

        NoEvent() {
            super("no event", null, false, false);
        }
    }

    private final String text;
    private int at;
    private final Map<Field, Object> fields = new EnumMap<>(Field.class);

    private Reference(String text) {
        this.text = text;
    }

    /** Empty for bytes that are no event. */
    public static Optional<Read> read(byte[] bytes) {
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            return Optional.of(new Reference(text).event());
        } catch (CharacterCodingException | NoEvent e) {
            return Optional.empty();
        }
    }

    private Read event() throws NoEvent {
        blank();
        expect('{');
        blank();
        if (!skip('}')) {
            do {
                blank();
                member();
                blank();
            } while (skip(','));
            expect('}');
        }
        blank();
        require(at == text.length());
        String type = (String) fields.get(Field.EVENT_TYPE);
        require(type != null && type.matches("[A-Za-z0-9._:/-]{1,128}"));
        String id = (String) fields.get(Field.EVENT_ID);
        require(id == null || (!id.isEmpty() && id.codePointCount(0, id.length()) <= 128));
        BigInteger timestamp = (BigInteger) fields.get(Field.TIMESTAMP);
        require(timestamp == null
                || (timestamp.signum() >= 0 && timestamp.compareTo(BigInteger.valueOf(253_402_300_799_999L)) <= 0));
        return new Read(
                type,
                timestamp == null ? OptionalLong.empty() : OptionalLong.of(timestamp.longValueExact()),
                Optional.ofNullable(id));
    }

    private void member() throws NoEvent {
        String name = string();
        require(name.length() <= 50_000);
        blank();
        expect(':');
        blank();
        Optional<Field> field = Field.named(name);
        Object value = value(0);
        if (field.isPresent()) {
            Class<?> type =
                    switch (field.get().type()) {
                        case STRING -> String.class;
                        case INTEGER -> BigInteger.class;
                        case OBJECT -> Map.class;
                    };
            require(type.isInstance(value) && fields.put(field.get(), value) == null);
        }
    }

    /** A string as itself, an integer as a BigInteger, an object as some Map; anything else as some other object. */
    private Object value(int depth) throws NoEvent {
        require(at < text.length());
        char c = text.charAt(at);
        switch (c) {
            case '"':
                return string();
            case '{', '[':
                require(depth < 32);
                return structure(c == '{', depth + 1);
            case 't', 'f', 'n':
                for (String literal : new String[] {"true", "false", "null"}) {
                    if (text.startsWith(literal, at)) {
                        at += literal.length();
                        return true;
                    }
                }
                throw new NoEvent();
            default:
                return number();
        }
    }

    private Object structure(boolean isObject, int depth) throws NoEvent {
        at++;
        char end = isObject ? '}' : ']';
        blank();
        if (!skip(end)) {
            do {
                blank();
                if (isObject) {
                    require(string().length() <= 50_000);
                    blank();
                    expect(':');
                    blank();
                }
                Object unused = value(depth);
                blank();
            } while (skip(','));
            expect(end);
        }
        return isObject ? Map.of() : true;
    }

    private Object number() throws NoEvent {
        int start = at;
        boolean unused = skip('-');
        int digits = at;
        digits();
        require(text.charAt(digits) != '0' || at == digits + 1);
        boolean isInteger = true;
        if (skip('.')) {
            isInteger = false;
            digits();
        }
        if (skip('e') || skip('E')) {
            isInteger = false;
            if (!skip('+')) {
                unused = skip('-');
            }
            digits();
        }
        require(at - start <= 1000);
        return isInteger ? new BigInteger(text.substring(start, at)) : (Object) unused;
    }

    private void digits() throws NoEvent {
        int start = at;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            at++;
        }
        require(at > start);
    }

    private String string() throws NoEvent {
        expect('"');
        StringBuilder string = new StringBuilder();
        while (!skip('"')) {
            require(at < text.length() && text.charAt(at) >= ' ');
            char c = text.charAt(at++);
            string.append(c == '\\' ? escape() : c);
        }
        require(string.codePoints().noneMatch(c -> c >= 0xd800 && c <= 0xdfff));
        return string.toString();
    }

    private char escape() throws NoEvent {
        require(at < text.length());
        char c = text.charAt(at++);
        int index = "\"\\/bfnrt".indexOf(c);
        if (index >= 0) {
            return "\"\\/\b\f\n\r\t".charAt(index);
        }
        require(c == 'u'
                && at + 4 <= text.length()
                && text.substring(at, at + 4).matches("[0-9A-Fa-f]{4}"));
        at += 4;
        return (char) Integer.parseInt(text.substring(at - 4, at), 16);
    }

    private void blank() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private boolean skip(char c) {
        boolean there = at < text.length() && text.charAt(at) == c;
        at += there ? 1 : 0;
        return there;
    }

    private void expect(char c) throws NoEvent {
        require(skip(c));
    }

    private static void require(boolean holds) throws NoEvent {
        if (!holds) {
            throw new NoEvent();
        }
    }
}
