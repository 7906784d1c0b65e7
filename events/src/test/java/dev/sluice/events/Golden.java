package dev.sluice.events;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Golden samples of the contract. The tests of every module read them, so that no two modules disagree. */
public final class Golden {
    /** Bytes that are an event, and what every reader must make of them. */
    public record Valid(String name, byte[] bytes, String eventType, OptionalLong timestamp, Optional<String> eventId) {
        @Override
        public String toString() {
            return name;
        }
    }

    /** Bytes that are not, with the reason and the declared field that it is about. */
    public record Invalid(String name, byte[] bytes, Rejection rejection, Optional<Field> field) {
        @Override
        public String toString() {
            return rejection.code() + ": " + name;
        }
    }

    /** The prototype's own event, dated 1973. */
    public static final String PROTOTYPE =
            "{\"event_type\":\"user_click\",\"timestamp\":123456789809,\"params\":{\"key\":\"value\"}}";

    private Golden() {}

    public static List<Valid> valid() {
        return List.of(
                event("prototype", PROTOTYPE, "user_click", 123456789809L, null),
                event("type alone", "{\"event_type\":\"a\"}", "a", null, null),
                event(
                        "every declared field",
                        "{\"event_id\":\"9f1c\",\"params\":{},\"timestamp\":0,\"event_type\":\"a.b_c-d:e/f\"}",
                        "a.b_c-d:e/f",
                        0L,
                        "9f1c"),
                event("white space around", " \t\r\n{ \"event_type\" : \"a\" , \"timestamp\" : 7 }\n", "a", 7L, null),
                event(
                        "largest timestamp",
                        "{\"event_type\":\"a\",\"timestamp\":253402300799999}",
                        "a",
                        Limits.MAX_TIMESTAMP,
                        null),
                event("negative zero", "{\"event_type\":\"a\",\"timestamp\":-0}", "a", 0L, null),
                event("longest type", "{\"event_type\":\"" + "t".repeat(128) + "\"}", "t".repeat(128), null, null),
                event(
                        "longest id in code points",
                        "{\"event_type\":\"a\",\"event_id\":\"" + "\ud83d\ude00".repeat(128) + "\"}",
                        "a",
                        null,
                        "\ud83d\ude00".repeat(128)),
                event(
                        "escapes in name and value",
                        "{\"\\u0065vent_type\":\"\\u0061b\",\"event_id\":\"q\\\"\\\\\\/\\n\"}",
                        "ab",
                        null,
                        "q\"\\/\n"),
                event(
                        "surrogate pair as escapes",
                        "{\"event_type\":\"a\",\"event_id\":\"\\ud83d\\uDE00\"}",
                        "a",
                        null,
                        "\ud83d\ude00"),
                event("text beyond ASCII", "{\"event_type\":\"a\",\"params\":{\"naïve\":\"日本 😀\"}}", "a", null, null),
                event(
                        "unknown fields",
                        "{\"x\":[1,2.5e3,true,null,{\"event_type\":5}],\"event_type\":\"a\",\"y\":null}",
                        "a",
                        null,
                        null),
                event("unknown field twice", "{\"x\":1,\"event_type\":\"a\",\"x\":2}", "a", null, null),
                event("other case is another field", "{\"Event_Type\":7,\"event_type\":\"a\"}", "a", null, null),
                event(
                        "declared names inside params",
                        "{\"event_type\":\"a\",\"params\":{\"event_type\":1,\"timestamp\":\"x\"}}",
                        "a",
                        null,
                        null),
                event("deepest params", "{\"event_type\":\"a\",\"params\":" + nested(32) + "}", "a", null, null),
                event(
                        "longest number",
                        "{\"event_type\":\"a\",\"params\":{\"n\":" + "9".repeat(1000) + "}}",
                        "a",
                        null,
                        null),
                event("huge exponent", "{\"event_type\":\"a\",\"params\":{\"n\":1e999999}}", "a", null, null),
                event(
                        "control character as escape",
                        "{\"event_type\":\"a\",\"event_id\":\"\\u0000\"}",
                        "a",
                        null,
                        "\0"));
    }

    public static List<Invalid> invalid() {
        return List.of(
                refused("no bytes", "", Rejection.EMPTY_BODY),
                refused("white space alone", " \n", Rejection.EMPTY_BODY),
                refused("broken", "{\"event_type\":", Rejection.INVALID_JSON),
                refused("one brace", "{", Rejection.INVALID_JSON),
                refused("unquoted name", "{event_type:\"a\"}", Rejection.INVALID_JSON),
                refused("single quotes", "{'event_type':'a'}", Rejection.INVALID_JSON),
                refused("leading zero", "{\"event_type\":\"a\",\"timestamp\":01}", Rejection.INVALID_JSON),
                refused(
                        "raw control character",
                        "{\"event_type\":\"a\",\"event_id\":\"\u0001\"}",
                        Rejection.INVALID_JSON),
                refused("a form", "event_type=user_click&timestamp=1", Rejection.INVALID_JSON),
                refused("mark", "\ufeff{\"event_type\":\"a\"}", Rejection.BYTE_ORDER_MARK),
                refused("NaN", "{\"event_type\":\"a\",\"params\":{\"n\":NaN}}", Rejection.NOT_A_NUMBER),
                refused(
                        "negative infinity",
                        "{\"event_type\":\"a\",\"params\":{\"n\":-Infinity}}",
                        Rejection.NOT_A_NUMBER),
                refused("block", "{\"event_type\":\"a\"/* b */}", Rejection.COMMENT),
                refused("line at the end", "{\"event_type\":\"a\"} // b", Rejection.COMMENT),
                refused("hash", "# b\n{\"event_type\":\"a\"}", Rejection.COMMENT),
                refused("in the object", "{\"event_type\":\"a\",}", Rejection.TRAILING_COMMA),
                refused("in an array", "{\"event_type\":\"a\",\"params\":{\"n\":[1,]}}", Rejection.TRAILING_COMMA),
                refused("second event", "{\"event_type\":\"a\"}{\"event_type\":\"b\"}", Rejection.TRAILING_TEXT),
                refused("a letter", "{\"event_type\":\"a\"}x", Rejection.TRAILING_TEXT),
                refused("a brace", "{\"event_type\":\"a\"}}", Rejection.TRAILING_TEXT),
                raw(
                        "bare continuation",
                        "{\"event_type\":\"a\",\"params\":{\"x\":\"\u0080\"}}",
                        Rejection.INVALID_UTF8),
                raw(
                        "overlong slash",
                        "{\"event_type\":\"a\",\"params\":{\"x\":\"\u00c0\u00af\"}}",
                        Rejection.INVALID_UTF8),
                raw(
                        "encoded surrogate",
                        "{\"event_type\":\"a\",\"params\":{\"x\":\"\u00ed\u00a0\u0080\"}}",
                        Rejection.INVALID_UTF8),
                raw(
                        "beyond U+10FFFF",
                        "{\"event_type\":\"a\",\"params\":{\"x\":\"\u00f4\u0090\u0080\u0080\"}}",
                        Rejection.INVALID_UTF8),
                raw("cut off", "{\"event_type\":\"a\",\"params\":{\"x\":\"\u00e6\u0097\"}}", Rejection.INVALID_UTF8),
                refused(
                        "high alone",
                        "{\"event_type\":\"a\",\"params\":{\"x\":\"\\ud83d\"}}",
                        Rejection.LONE_SURROGATE),
                refused("low alone", "{\"event_type\":\"a\",\"x\":\"\\uDe00\"}", Rejection.LONE_SURROGATE),
                refused("in a name", "{\"event_type\":\"a\",\"\\udc00\":1}", Rejection.LONE_SURROGATE),
                refused(
                        "type twice",
                        "{\"event_type\":\"a\",\"event_type\":\"a\"}",
                        Rejection.DUPLICATE_FIELD,
                        Field.EVENT_TYPE),
                refused(
                        "twice, once escaped",
                        "{\"event_type\":\"a\",\"params\":{},\"par\\u0061ms\":{}}",
                        Rejection.DUPLICATE_FIELD,
                        Field.PARAMS),
                refused("params", "{\"event_type\":\"a\",\"params\":" + nested(33) + "}", Rejection.NESTED_TOO_DEEP),
                refused(
                        "unknown field",
                        "{\"event_type\":\"a\",\"x\":" + "[".repeat(5000) + "]".repeat(5000) + "}",
                        Rejection.NESTED_TOO_DEEP),
                refused(
                        "1001 digits",
                        "{\"event_type\":\"a\",\"params\":{\"n\":" + "9".repeat(1001) + "}}",
                        Rejection.NUMBER_TOO_LONG),
                refused(
                        "1001 digits in the timestamp",
                        "{\"event_type\":\"a\",\"timestamp\":" + "9".repeat(1001) + "}",
                        Rejection.NUMBER_TOO_LONG),
                refused(
                        "50001 characters",
                        "{\"event_type\":\"a\",\"" + "n".repeat(50_001) + "\":1}",
                        Rejection.NAME_TOO_LONG),
                refused("array", "[{\"event_type\":\"a\"}]", Rejection.NOT_AN_OBJECT),
                refused("string", "\"event_type\"", Rejection.NOT_AN_OBJECT),
                refused("number", "7", Rejection.NOT_AN_OBJECT),
                refused("null", "null", Rejection.NOT_AN_OBJECT),
                refused("empty object", "{}", Rejection.MISSING_FIELD, Field.EVENT_TYPE),
                refused("no type", "{\"timestamp\":1}", Rejection.MISSING_FIELD, Field.EVENT_TYPE),
                refused("type null", "{\"event_type\":null}", Rejection.WRONG_TYPE, Field.EVENT_TYPE),
                refused("type a number", "{\"event_type\":5}", Rejection.WRONG_TYPE, Field.EVENT_TYPE),
                refused(
                        "timestamp a string",
                        "{\"event_type\":\"a\",\"timestamp\":\"1\"}",
                        Rejection.WRONG_TYPE,
                        Field.TIMESTAMP),
                refused(
                        "timestamp 1.0",
                        "{\"event_type\":\"a\",\"timestamp\":1.0}",
                        Rejection.WRONG_TYPE,
                        Field.TIMESTAMP),
                refused(
                        "timestamp 1e3",
                        "{\"event_type\":\"a\",\"timestamp\":1e3}",
                        Rejection.WRONG_TYPE,
                        Field.TIMESTAMP),
                refused(
                        "timestamp null",
                        "{\"event_type\":\"a\",\"timestamp\":null}",
                        Rejection.WRONG_TYPE,
                        Field.TIMESTAMP),
                refused("params an array", "{\"event_type\":\"a\",\"params\":[]}", Rejection.WRONG_TYPE, Field.PARAMS),
                refused("id a number", "{\"event_type\":\"a\",\"event_id\":5}", Rejection.WRONG_TYPE, Field.EVENT_ID),
                refused("type empty", "{\"event_type\":\"\"}", Rejection.INVALID_LENGTH, Field.EVENT_TYPE),
                refused(
                        "type 129",
                        "{\"event_type\":\"" + "t".repeat(129) + "\"}",
                        Rejection.INVALID_LENGTH,
                        Field.EVENT_TYPE),
                refused(
                        "id empty",
                        "{\"event_type\":\"a\",\"event_id\":\"\"}",
                        Rejection.INVALID_LENGTH,
                        Field.EVENT_ID),
                refused(
                        "id 129",
                        "{\"event_type\":\"a\",\"event_id\":\"" + "i".repeat(129) + "\"}",
                        Rejection.INVALID_LENGTH,
                        Field.EVENT_ID),
                refused(
                        "type with a space",
                        "{\"event_type\":\"user click\"}",
                        Rejection.INVALID_CHARACTER,
                        Field.EVENT_TYPE),
                refused("type beyond ASCII", "{\"event_type\":\"é\"}", Rejection.INVALID_CHARACTER, Field.EVENT_TYPE),
                refused(
                        "timestamp negative",
                        "{\"event_type\":\"a\",\"timestamp\":-1}",
                        Rejection.OUT_OF_RANGE,
                        Field.TIMESTAMP),
                refused(
                        "timestamp year 10000",
                        "{\"event_type\":\"a\",\"timestamp\":253402300800000}",
                        Rejection.OUT_OF_RANGE,
                        Field.TIMESTAMP),
                refused(
                        "timestamp beyond 64 bits",
                        "{\"event_type\":\"a\",\"timestamp\":99999999999999999999}",
                        Rejection.OUT_OF_RANGE,
                        Field.TIMESTAMP));
    }

    private static Valid event(String name, String json, String type, Long timestamp, String id) {
        return new Valid(
                name,
                json.getBytes(UTF_8),
                type,
                timestamp == null ? OptionalLong.empty() : OptionalLong.of(timestamp),
                Optional.ofNullable(id));
    }

    private static Invalid refused(String name, String json, Rejection rejection) {
        return new Invalid(name, json.getBytes(UTF_8), rejection, Optional.empty());
    }

    private static Invalid refused(String name, String json, Rejection rejection, Field field) {
        return new Invalid(name, json.getBytes(UTF_8), rejection, Optional.of(field));
    }

    /** Each character is one byte. */
    private static Invalid raw(String name, String bytes, Rejection rejection) {
        return new Invalid(name, bytes.getBytes(ISO_8859_1), rejection, Optional.empty());
    }

    private static String nested(int depth) {
        return "{\"n\":".repeat(depth - 1) + "{}" + "}".repeat(depth - 1);
    }
}
