package dev.sluice.gateway;

import static dev.sluice.events.Rejection.QUOTA_EXCEEDED;

import io.github.bucket4j.Bucket;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What a sender may send in a second, in events and in bytes of bodies as they are sent: a bucket of each, which holds a second's worth. A
 * request is taken while there is something in both, and takes out all of what it has, so that a batch of any size
 * is taken at some time, and what it was too large is waited for by the next one.
 *
 * <p>Quotas of the same limits are equal, whatever is left of them.
 */
final class Quota {
    /** No limits. */
    static final Quota NONE = new Quota(0, 0);

    private static final CharSequence POLICY = HttpHeaders.createOptimized("RateLimit-Policy");
    private static final CharSequence LIMIT = HttpHeaders.createOptimized("RateLimit");

    private final long events;
    private final long bytes;
    private final @Nullable Bucket eventsLeft;
    private final @Nullable Bucket bytesLeft;

    private Quota(long events, long bytes) {
        this.events = events;
        this.bytes = bytes;
        this.eventsLeft = bucket(events);
        this.bytesLeft = bucket(bytes);
    }

    /**
     * A quota of which nothing is used.
     *
     * @param events a second; 0 for any number
     * @param bytes a second; 0 for any number
     */
    static Quota of(long events, long bytes) {
        return events == 0 && bytes == 0 ? NONE : new Quota(events, bytes);
    }

    private static @Nullable Bucket bucket(long aSecond) {
        return aSecond == 0
                ? null
                : Bucket.builder()
                        .addLimit(limit -> limit.capacity(aSecond).refillGreedy(aSecond, Duration.ofSeconds(1)))
                        .build();
    }

    long events() {
        return events;
    }

    long bytes() {
        return bytes;
    }

    /** @throws RefusedException while there is nothing left */
    void check() throws RefusedException {
        check(eventsLeft, events, "events");
        check(bytesLeft, bytes, "bytes");
    }

    private static void check(@Nullable Bucket left, long aSecond, String unit) throws RefusedException {
        if (left != null && left.getAvailableTokens() <= 0) {
            throw Refusal.of(
                            QUOTA_EXCEEDED,
                            "The quota is " + aSecond + " " + unit + " a second; there is none left for "
                                    + secondsUntilSome(left) + " s.")
                    .asException();
        }
    }

    /** Takes out what a request turned out to have. */
    void use(long usedEvents, long usedBytes) {
        use(eventsLeft, usedEvents);
        use(bytesLeft, usedBytes);
    }

    private static void use(@Nullable Bucket left, long used) {
        if (left != null && used > 0) {
            left.consumeIgnoringRateLimits(used);
        }
    }

    /** Tells the sender what is left: draft-ietf-httpapi-ratelimit-headers-10, and {@code Retry-After} where nothing is. */
    void tell(HttpServerResponse response) {
        if (eventsLeft == null && bytesLeft == null) {
            return;
        }
        List<String> policies = new ArrayList<>(2);
        List<String> limits = new ArrayList<>(2);
        long wait = 0;
        if (eventsLeft != null) {
            policies.add("\"events\";q=" + events + ";w=1");
            limits.add(left("events", eventsLeft));
            wait = Math.max(wait, secondsUntilSome(eventsLeft));
        }
        if (bytesLeft != null) {
            policies.add("\"bytes\";q=" + bytes + ";w=1;qu=\"content-bytes\"");
            limits.add(left("bytes", bytesLeft));
            wait = Math.max(wait, secondsUntilSome(bytesLeft));
        }
        response.putHeader(POLICY, String.join(", ", policies)).putHeader(LIMIT, String.join(", ", limits));
        if (wait > 0) {
            response.putHeader(HttpHeaders.RETRY_AFTER, Long.toString(wait));
        }
    }

    private static String left(String policy, Bucket bucket) {
        return "\"" + policy + "\";r=" + Math.max(0, bucket.getAvailableTokens()) + ";t="
                + Math.max(1, secondsUntilSome(bucket));
    }

    /** Whole seconds, rounded up; 0 where there is some. */
    private static long secondsUntilSome(Bucket bucket) {
        long nanos = bucket.estimateAbilityToConsume(1).getNanosToWaitForRefill();
        return (nanos + TimeUnit.SECONDS.toNanos(1) - 1) / TimeUnit.SECONDS.toNanos(1);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Quota quota && events == quota.events && bytes == quota.bytes;
    }

    @Override
    public int hashCode() {
        return Objects.hash(events, bytes);
    }
}
