package dev.sluice.gateway;

import static dev.sluice.events.Rejection.BODY_TOO_LARGE;
import static dev.sluice.events.Rejection.INCOMPLETE_BODY;
import static dev.sluice.events.Rejection.REQUEST_TIMEOUT;

import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import java.util.function.BooleanSupplier;

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
    private final Promise<byte[]> promise = Promise.promise();
    private Buffer body = Buffer.buffer();
    /** As declared; 0 where it is not. */
    private final long length;

    private long received;

    private BodyReader(HttpServerRequest request, Bounds bounds) {
        this.request = request;
        this.bounds = bounds;
        this.length = declaredLength(request);
    }

    /**
     * The body's bytes; fails with a {@link RefusedException} where they are too many, too slow or end too soon.
     *
     * @param permit grows with the body
     */
    static Future<byte[]> read(Admission admission, HttpServerRequest request, Bounds bounds, Budget.Permit permit) {
        BodyReader reader = new BodyReader(request, bounds);
        long length = reader.length;
        admission.slowBodies().reading(permit, reader);
        // once it is whole it waits for Kafka, and its sender is not to blame
        reader.promise.future().onComplete(read -> admission.slowBodies().ended(permit));
        reader.start(admission.vertx(), chunk -> reader.append(admission, permit, chunk));
        if (length > bounds.bodyBytes()) {
            reader.refuseLength();
        } else if (!permit.claim(length) || (length <= SMALL && !permit.hasRoom(length))) {
            reader.giveUp();
        } else {
            if (length > SMALL && !permit.promise(length)) {
                reader.pauseUntil(admission, permit, false, () -> permit.promise(length));
            }
            if ("100-continue".equalsIgnoreCase(request.getHeader("Expect"))) {
                request.response().writeContinue();
            }
        }
        return reader.promise.future();
    }

    /** For a request that is refused already: forgets its body, within the same bounds. */
    static void discard(Vertx vertx, HttpServerRequest request, Bounds bounds) {
        if (!request.isEnded()) {
            BodyReader reader = new BodyReader(request, bounds);
            reader.promise.tryFail("refused");
            reader.start(vertx, chunk -> {});
        }
    }

    private void start(Vertx vertx, Handler<Buffer> keep) {
        long timer = vertx.setTimer(bounds.bodyTimeout().toMillis(), fired -> expire());
        request.handler(chunk -> take(chunk, keep))
                .endHandler(end -> {
                    vertx.cancelTimer(timer);
                    end();
                })
                .exceptionHandler(cause -> {
                    vertx.cancelTimer(timer);
                    refuse(Refusal.of(INCOMPLETE_BODY, "The body ended early: " + cause.getMessage()));
                });
    }

    private static long declaredLength(HttpServerRequest request) {
        String length = request.getHeader("Content-Length");
        try {
            return length == null ? 0 : Long.parseLong(length);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private void take(Buffer chunk, Handler<Buffer> keep) {
        received += chunk.length();
        if (received > bounds.bodyBytes()) {
            refuseLength();
        } else if (!promise.future().isComplete()) {
            keep.handle(chunk);
        }
        if (received > (long) bounds.bodyBytes() * DISCARDED_BODIES) {
            cutOff();
        }
    }

    /** A chunk is there already when it turns out that there is no room for it: no other is read until there is. */
    private void append(Admission admission, Budget.Permit permit, Buffer chunk) {
        int bytes = chunk.length();
        if (length == 0 && !permit.claim(bytes)) {
            giveUp();
            return;
        }
        body.appendBuffer(chunk);
        if (!permit.grow(bytes)) {
            pauseUntil(admission, permit, true, () -> permit.grow(bytes));
        }
    }

    private void pauseUntil(Admission admission, Budget.Permit permit, boolean first, BooleanSupplier room) {
        SlowBodies slow = admission.slowBodies();
        slow.waiting(permit, this);
        BooleanSupplier readable = () -> {
            if (promise.future().isComplete()) {
                // one that has been answered meanwhile must not hold up those behind it
                return true;
            }
            boolean roomy = room.getAsBoolean();
            if (roomy) {
                slow.reading(permit, this);
            }
            return roomy;
        };
        admission.pauseUntil(readable, first, request, this::giveUp);
    }

    private void end() {
        promise.tryComplete(body.getBytes());
    }

    /** Answers, and ends the connection: its sender would take up memory for as long as it likes. */
    private void expire() {
        refuse(Refusal.of(
                REQUEST_TIMEOUT, "Send the body within " + bounds.bodyTimeout().toMillis() + " ms."));
        if (request.response().ended()) {
            cutOff();
        } else {
            request.response().endHandler(answered -> cutOff());
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
        promise.tryFail(refusal.asException());
        body = Buffer.buffer();
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
