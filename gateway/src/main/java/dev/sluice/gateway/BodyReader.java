package dev.sluice.gateway;

import static dev.sluice.events.Rejection.BODY_TOO_LARGE;
import static dev.sluice.events.Rejection.INCOMPLETE_BODY;
import static dev.sluice.events.Rejection.REQUEST_TIMEOUT;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads one body up to a bound of bytes and of time.
 *
 * <p>Not Vert.x's {@code BodyHandler}: it takes a body of type {@code application/x-www-form-urlencoded}, which is what
 * {@code curl -d} says, apart as a form.
 */
final class BodyReader implements SlowBodies.Body {
    /** A body that is refused is read on this many times its bound, so that its sender can read the answer. */
    private static final int DISCARDED_BODIES = 4;

    /** Not worth a pause: its sender is told at once. */
    private static final long SMALL = 16 * 1024;

    private final HttpServerRequest request;
    private final Bounds bounds;
    private final Admission admission;
    private final Budget.Permit permit;
    private final Promise<byte[]> promise = Promise.promise();
    private final long since = System.nanoTime();
    /** What came first, where that is all of it. */
    private byte @Nullable [] whole;

    private @Nullable Buffer body;
    /** As declared; 0 where it is not. */
    private final long length;

    private long received;
    /** Whether nothing more of it comes. */
    private boolean ended;

    private boolean watched;
    /** Whether it is not read for lack of room. */
    private boolean waiting;

    private BodyReader(Admission admission, HttpServerRequest request, Bounds bounds, Budget.Permit permit) {
        this.admission = admission;
        this.request = request;
        this.bounds = bounds;
        this.permit = permit;
        this.length = declaredLength(request);
    }

    /**
     * The body's bytes; fails with a {@link RefusedException} where they are too many, too slow or end too soon.
     *
     * @param permit grows with the body
     */
    static Future<byte[]> read(Admission admission, HttpServerRequest request, Bounds bounds, Budget.Permit permit) {
        BodyReader reader = new BodyReader(admission, request, bounds, permit);
        reader.start();
        reader.admit();
        return reader.promise.future();
    }

    private void admit() {
        if (length > bounds.bodyBytes()) {
            refuseLength();
        } else if (!permit.claim(length) || (length <= SMALL && !permit.hasRoom(length))) {
            giveUp();
        } else {
            if (length > SMALL && !permit.promise(length)) {
                pauseUntil(false, () -> permit.promise(length));
            }
            if ("100-continue".equalsIgnoreCase(request.getHeader(HttpHeaders.EXPECT))) {
                request.response().writeContinue();
            }
        }
    }

    /** For a request that is refused already: forgets its body, within the same bounds. */
    static void discard(Admission admission, HttpServerRequest request, Bounds bounds) {
        if (!request.isEnded()) {
            BodyReader reader = new BodyReader(admission, request, bounds, admission.nothing());
            reader.promise.tryFail("refused");
            reader.start();
        }
    }

    private void start() {
        admission.begin(this);
        request.handler(this::take).endHandler(end -> end()).exceptionHandler(this::fail);
    }

    /** If it is still to be read. */
    void watch() {
        if (ended) {
            return;
        }
        admission.deadlines().begin(this);
        watched = true;
        if (!promise.future().isComplete() && !waiting) {
            admission.slowBodies().reading(permit, this);
        }
    }

    private void unwatch() {
        ended = true;
        if (watched) {
            admission.deadlines().end(this);
        }
        if (watched || waiting) {
            admission.slowBodies().ended(permit);
        }
    }

    private void fail(Throwable cause) {
        unwatch();
        refuse(Refusal.of(INCOMPLETE_BODY, "The body ended early: " + cause.getMessage()));
    }

    /** When it began, as {@link System#nanoTime} has it. */
    long since() {
        return since;
    }

    private static long declaredLength(HttpServerRequest request) {
        String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
        try {
            return length == null ? 0 : Long.parseLong(length);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private void take(Buffer chunk) {
        received += chunk.length();
        if (received > bounds.bodyBytes()) {
            refuseLength();
        } else if (!promise.future().isComplete()) {
            append(chunk);
        }
        if (received > (long) bounds.bodyBytes() * DISCARDED_BODIES) {
            cutOff();
        }
    }

    /** A chunk is there already when it turns out that there is no room for it: no other is read until there is. */
    private void append(Buffer chunk) {
        int bytes = chunk.length();
        if (length == 0 && !permit.claim(bytes)) {
            giveUp();
            return;
        }
        if (bytes == length) {
            whole = chunk.getBytes();
        } else {
            body = (body == null ? Buffer.buffer() : body).appendBuffer(chunk);
        }
        if (!permit.grow(bytes)) {
            pauseUntil(true, () -> permit.grow(bytes));
        }
    }

    private void pauseUntil(boolean first, BooleanSupplier room) {
        SlowBodies slow = admission.slowBodies();
        slow.waiting(permit, this);
        waiting = true;
        BooleanSupplier readable = () -> {
            if (promise.future().isComplete()) {
                // one that has been answered meanwhile must not hold up those behind it
                return true;
            }
            boolean roomy = room.getAsBoolean();
            if (roomy) {
                waiting = false;
                slow.reading(permit, this);
            }
            return roomy;
        };
        admission.pauseUntil(readable, first, request, this::giveUp);
    }

    /** Once it is whole it waits for Kafka, and its sender is not to blame. */
    private void end() {
        unwatch();
        if (whole == null) {
            promise.tryComplete(body == null ? new byte[0] : body.getBytes());
        } else {
            promise.tryComplete(whole);
        }
    }

    /** Answers, and ends the connection: its sender would take up memory for as long as it likes. */
    void expire() {
        refuse(Refusal.of(
                REQUEST_TIMEOUT, "Send the body within " + bounds.bodyTimeout().toMillis() + " ms."));
        if (request.response().ended()) {
            cutOff();
        } else {
            // in the place of a span's, which ends with the connection as well; the end itself is the access log's
            request.response().bodyEndHandler(answered -> cutOff());
        }
    }

    private void refuseLength() {
        refuse(Refusal.of(BODY_TOO_LARGE, "Send at most " + bounds.bodyBytes() + " bytes."));
    }

    @Override
    public void giveUp() {
        refuse(Admission.OVERLOAD);
    }

    @Override
    public boolean isHopeless(long nanos) {
        double share = nanos / (double) bounds.bodyTimeout().toNanos();
        return received < share * (length == 0 ? bounds.bodyBytes() : length);
    }

    private void refuse(Refusal refusal) {
        admission.slowBodies().ended(permit);
        promise.tryFail(refusal.asException());
        body = null;
        whole = null;
    }

    /** One connection holds many streams in HTTP/2, and one of them is to blame. */
    private void cutOff() {
        if (request.version() == HttpVersion.HTTP_2) {
            request.response().reset();
        } else {
            request.connection().close();
        }
    }
}
