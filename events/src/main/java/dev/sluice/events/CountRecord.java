package dev.sluice.events;

/**
 * What streaming publishes of its counts, to a compacted topic: each record says what a count is now, and the last one with a
 * key holds. A batch is one transaction.
 *
 * <p>The value of a count is a JSON object of these fields; its key is a text, {@link #key}. A field is there where
 * there is something to say:
 *
 * <pre>{@code
 * {"window_start":"2026-11-24T06:50:00Z","window_end":"2026-11-24T06:51:00Z","event_type":"user_click",
 *  "outcome":"counted","count":3,"batch":17}
 * }</pre>
 *
 * <p>A record with the key {@link #WATERMARK} says {@code {"watermark":"2026-11-24T06:51:00Z"}}, once in each partition:
 * windows that ended by then are final in it, for all that stands before it and behind.
 */
public final class CountRecord {
    public static final String WINDOW_START = "window_start";
    public static final String WINDOW_END = "window_end";
    /** Absent of what is malformed. */
    public static final String EVENT_TYPE = "event_type";

    public static final String OUTCOME = "outcome";
    public static final String COUNT = "count";
    /** Number of the batch, which grows with a checkpoint. */
    public static final String BATCH = "batch";

    public static final String WATERMARK = "watermark";

    private CountRecord() {}

    /**
     * The key of a count.
     *
     * @param start of the window, in ISO 8601, as is {@code end}
     * @param eventType empty where malformed
     */
    public static String key(String start, String end, String outcome, String eventType) {
        return start + "/" + end + "/" + outcome + "/" + eventType;
    }
}
