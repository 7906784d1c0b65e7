package dev.sluice.streaming;

import java.util.Locale;

/** What becomes of a record; each has exactly one. */
enum Outcome {
    COUNTED("dated within what LATENESS and SKEW allow"),
    LATE("its timestamp, in milliseconds since 1970, is older than its receipt by more than LATENESS"),
    FUTURE("its timestamp, in milliseconds since 1970, is newer than its receipt by more than SKEW"),
    MALFORMED("not an event, so it did not come through the gateway"),
    DUPLICATE("an event of the same event_id is counted already");

    private final String meaning;

    Outcome(String meaning) {
        this.meaning = meaning;
    }

    /** The name that counts carry. */
    String code() {
        return name().toLowerCase(Locale.ROOT);
    }

    String meaning() {
        return meaning;
    }
}
