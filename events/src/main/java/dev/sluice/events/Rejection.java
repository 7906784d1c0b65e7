package dev.sluice.events;

/**
 * Every reason for which an event is not taken. The code is the wire name: it never changes its meaning.
 *
 * <p>A retryable rejection says that the same bytes may be sent again, and its answer carries {@code Retry-After};
 * any other says that they never will be taken.
 */
public enum Rejection {
    EMPTY_BODY(400, "The body has no bytes."),
    INVALID_JSON(400, "The body is not JSON (RFC 8259)."),
    BYTE_ORDER_MARK(400, "The body starts with a byte-order mark."),
    NOT_A_NUMBER(400, "NaN and Infinity are not JSON."),
    COMMENT(400, "Comments are not JSON."),
    TRAILING_COMMA(400, "A comma stands before a closing bracket."),
    TRAILING_TEXT(400, "Something follows the event or the batch."),
    INVALID_UTF8(400, "The bytes are not UTF-8."),
    LONE_SURROGATE(400, "An escape names half of a surrogate pair."),
    DUPLICATE_FIELD(400, "A declared field is there twice."),
    NESTED_TOO_DEEP(400, "Objects or arrays are nested deeper than MAX_NESTING."),
    NUMBER_TOO_LONG(400, "A number has more than 1000 characters."),
    NAME_TOO_LONG(400, "A field's name has more than 50000 characters."),
    NOT_AN_OBJECT(400, "The event is not a JSON object."),
    MISSING_FIELD(400, "A required field is missing."),
    WRONG_TYPE(400, "A declared field has another JSON type."),
    INVALID_LENGTH(400, "A string is empty or too long."),
    INVALID_CHARACTER(400, "A character is not among those allowed."),
    OUT_OF_RANGE(400, "A number is outside its range."),
    EMPTY_BATCH(400, "The batch holds no event."),
    NOTHING_TAKEN(400, "No event of the batch could be taken: see rejected."),
    INVALID_CLOUDEVENT(400, "An attribute of the CloudEvent is missing or malformed."),
    INVALID_QUERY(400, "The query is not that of an event."),
    INVALID_ENCODING(400, "The body is not what Content-Encoding says."),
    INVALID_REQUEST(400, "The request is not HTTP."),
    INCOMPLETE_BODY(400, "The connection ended before the body did."),
    UNAUTHENTICATED(401, "No key, token or certificate that holds came with the request."),
    ORIGIN_NOT_ALLOWED(403, "The page's origin is not among CORS_ORIGINS."),
    TYPE_NOT_ALLOWED(403, "The sender may send no events of this type."),
    NOT_FOUND(404, "There is nothing at this path."),
    METHOD_NOT_ALLOWED(405, "The path takes other methods: see Allow."),
    REQUEST_TIMEOUT(408, "The body did not arrive within BODY_TIMEOUT.", true),
    BODY_TOO_LARGE(413, "The body has more bytes than MAX_BODY_BYTES."),
    INFLATED_TOO_LARGE(413, "The body inflates to more bytes than MAX_INFLATED_BYTES."),
    TOO_MANY_EVENTS(413, "The batch has more events than MAX_BATCH_EVENTS."),
    EVENT_TOO_LARGE(413, "The event has more bytes than MAX_EVENT_BYTES."),
    RECORD_TOO_LARGE(413, "Kafka takes no record of this size."),
    URI_TOO_LONG(414, "The request line is longer than 4096 bytes."),
    UNSUPPORTED_MEDIA_TYPE(415, "The Content-Type is none that holds an event."),
    UNSUPPORTED_ENCODING(415, "The Content-Encoding is none that is read here."),
    QUOTA_EXCEEDED(429, "The sender has used its quota: see RateLimit.", true),
    HEADERS_TOO_LARGE(431, "The headers are larger than 8192 bytes."),
    INTERNAL_ERROR(500, "The gateway has a defect; its log has the cause.", false),
    OVERLOADED(503, "The gateway holds as many bytes as it may; nothing was stored.", true),
    KAFKA_UNAVAILABLE(503, "Kafka does not answer; nothing was stored.", true),
    KAFKA_NO_LEADER(503, "A partition has no leader in Kafka; nothing was stored.", true),
    KAFKA_TOO_FEW_REPLICAS(503, "Fewer replicas are in sync than min.insync.replicas; nothing was stored.", true),
    KAFKA_UNAUTHORIZED(503, "Kafka does not let the gateway write; nothing was stored.", true),
    KAFKA_REFUSED(503, "Kafka refused the record; nothing was stored.", true),
    SPOOL_FULL(503, "Kafka takes no events and the spool is full; nothing was stored.", true),
    SPOOL_FAILED(503, "Kafka takes no events and the spool's disk failed; nothing was stored.", true),
    OUTCOME_UNKNOWN(503, "Kafka did not answer in time; send again with the same event_id.", true);

    private final int status;
    private final String meaning;
    private final boolean retryable;

    Rejection(int status, String meaning) {
        this(status, meaning, false);
    }

    Rejection(int status, String meaning, boolean retryable) {
        this.status = status;
        this.meaning = meaning;
        this.retryable = retryable;
    }

    /** The wire name: {@code missing_field}. */
    public String code() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }

    /** HTTP status of an answer that refuses the whole request for this reason. */
    public int status() {
        return status;
    }

    /** One English sentence, the same for each occurrence: the {@code title} of RFC 9457. */
    public String meaning() {
        return meaning;
    }

    /** Whether the same bytes may be taken when they are sent again. */
    public boolean retryable() {
        return retryable;
    }
}
