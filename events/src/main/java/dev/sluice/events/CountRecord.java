package dev.sluice.events;

import java.util.List;

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
 *
 * <p>The record with the key {@link #PROGRESS} says how far streaming is, after each batch and every few seconds without
 * one. Records are those that this process of streaming has read, and each of them has one outcome; of times that are not
 * known there is no field:
 *
 * <pre>{@code
 * {"at":"2026-11-24T06:50:12.345Z","batch":17,"batch_millis":412,"window_millis":60000,"slide_millis":60000,
 *  "complete_until":"2026-11-24T06:50:11.902Z","lag_records":0,"watermark":"2026-11-24T05:48:00Z",
 *  "records":19,"outcomes":{"counted":15,"late":1,"future":0,"malformed":1,"duplicate":2}}
 * }</pre>
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

    /** What becomes of a record: one of these. */
    public static final List<String> EACH_OUTCOME = List.of("counted", "late", "future", "malformed", "duplicate");

    /** What a count has beside it where that was asked for. */
    public static final List<String> AGGREGATES = List.of("distinct_count", "sum", "min", "max", "p50", "p95", "p99");

    public static final String WATERMARK = "watermark";

    public static final String PROGRESS = "progress";
    /** When streaming said it. */
    public static final String AT = "at";
    /** How long the batch took, from its trigger on. */
    public static final String BATCH_MILLIS = "batch_millis";

    public static final String WINDOW_MILLIS = "window_millis";
    /** Time from the start of a window to the start of the next; windows start at multiples of it since 1970 UTC. */
    public static final String SLIDE_MILLIS = "slide_millis";
    /** Every record that Kafka stored before has its outcome in what is published. */
    public static final String COMPLETE_UNTIL = "complete_until";
    /** Records that were left to read. */
    public static final String LAG_RECORDS = "lag_records";

    public static final String RECORDS = "records";
    public static final String OUTCOMES = "outcomes";

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
