package dev.sluice.events;

/** Bounds of an event's fields. The bytes of a whole event are a setting of the gateway. */
public final class Limits {
    /** {@code event_type}: 1 to this many characters. */
    public static final int EVENT_TYPE_CHARACTERS = 128;

    /** {@code event_id}: 1 to this many Unicode code points. */
    public static final int EVENT_ID_CHARACTERS = 128;

    /** {@code timestamp}: the last millisecond of year 9999 UTC, the largest that every SQL engine can show. */
    public static final long MAX_TIMESTAMP = 253_402_300_799_999L;

    /**
     * Objects and arrays inside one another within a field, the field's own value included, unless the gateway is
     * configured otherwise.
     */
    public static final int NESTING = 32;

    /**
     * Digits and signs of one number. The bound of Jackson's readers ({@code StreamReadConstraints}), the stream job's
     * included.
     */
    public static final int NUMBER_CHARACTERS = 1_000;

    /** Characters of a field's name; the same source. */
    public static final int NAME_CHARACTERS = 50_000;

    private Limits() {}

    /** Whether {@code c} may stand in an {@code event_type}: ASCII letters and digits, {@code . _ - : /}. */
    public static boolean isEventTypeCharacter(int c) {
        return (c >= 'a' && c <= 'z')
                || (c >= 'A' && c <= 'Z')
                || (c >= '0' && c <= '9')
                || c == '.'
                || c == '_'
                || c == '-'
                || c == ':'
                || c == '/';
    }
}
