package dev.sluice.gateway;

import static dev.sluice.events.Rejection.BODY_TOO_LARGE;
import static dev.sluice.events.Rejection.INCOMPLETE_BODY;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;

/**
 * Reads one body up to a bound.
 *
 * <p>Not Vert.x's {@code BodyHandler}: it takes a body of type {@code application/x-www-form-urlencoded}, which is what
 * {@code curl -d} says, apart as a form.
 */
final class BodyReader {
    /** A body that is too large is read on this many times its bound, so that its sender can read the answer. */
    private static final int DISCARDED_BODIES = 16;

    private final HttpServerRequest request;
    private final int maxBytes;
    private final Promise<byte[]> promise = Promise.promise();
    private final Buffer body = Buffer.buffer();
    private long received;

    private BodyReader(HttpServerRequest request, int maxBytes) {
        this.request = request;
        this.maxBytes = maxBytes;
    }

    /** The body's bytes; fails with a {@link RefusedException} where they are too many or end too soon. */
    static Future<byte[]> read(HttpServerRequest request, int maxBytes) {
        BodyReader reader = new BodyReader(request, maxBytes);
        request.handler(reader::take).endHandler(end -> reader.end()).exceptionHandler(reader::fail);
        if (declaredLength(request) > maxBytes) {
            reader.refuse();
        } else if ("100-continue".equalsIgnoreCase(request.getHeader("Expect"))) {
            request.response().writeContinue();
        }
        return reader.promise.future();
    }

    private static long declaredLength(HttpServerRequest request) {
        String length = request.getHeader("Content-Length");
        try {
            return length == null ? 0 : Long.parseLong(length);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private void take(Buffer chunk) {
        received += chunk.length();
        if (received > maxBytes) {
            refuse();
        } else {
            body.appendBuffer(chunk);
        }
        if (received > (long) maxBytes * DISCARDED_BODIES) {
            request.connection().close();
        }
    }

    private void end() {
        promise.tryComplete(body.getBytes());
    }

    private void fail(Throwable cause) {
        promise.tryFail(Refusal.of(INCOMPLETE_BODY, "The body ended early: " + cause.getMessage())
                .asException());
    }

    private void refuse() {
        promise.tryFail(Refusal.of(BODY_TOO_LARGE, "Send at most " + maxBytes + " bytes.")
                .asException());
    }
}
