package dev.sluice.gateway;

import io.vertx.core.Context;
import io.vertx.core.Future;
import org.jspecify.annotations.Nullable;

/** Makes events durable. */
interface Publisher {
    /** How an event became durable. */
    sealed interface Receipt permits Stored, Spooled {}

    /** Where in Kafka an event is. */
    record Stored(String topic, int partition, long offset) implements Receipt {}

    /** On the gateway's disk, and on its way to Kafka. */
    enum Spooled implements Receipt {
        ON_DISK
    }

    /** Begins to look for Kafka, and never gives up. */
    void start();

    /**
     * Why no event has any prospect of being taken now, null where it has: a refusal before a body is read costs least.
     */
    @Nullable
    Refusal outage();

    /** Whether events can be taken. */
    boolean isReady();

    /**
     * Never blocks. Succeeds once the event is durable; fails with a {@link RefusedException} that tells whether it was
     * not stored or may have been.
     *
     * @param receivedMillis milliseconds since 1970 UTC
     * @param trace goes with it into Kafka
     * @param context that of the caller's verticle, on which it completes: those of requests come and go
     */
    Future<Receipt> publish(Event event, long receivedMillis, TraceContext trace, Context context);

    /** Delivers what is under way, as far as Kafka takes it, then lets go. */
    Future<Void> close();
}
