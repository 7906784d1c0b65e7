package dev.sluice.gateway;

import io.vertx.core.Future;

/** Makes events durable. */
interface Publisher {
    /** Where an event became durable. */
    record Receipt(String topic, int partition, long offset) {}

    /** Whether an event has any prospect of being stored soon: a refusal before its body is read costs least. */
    boolean isAvailable();

    /**
     * Never blocks. Succeeds once the event is durable; fails with a {@link RefusedException} that tells whether it was
     * not stored or may have been. Completes on the caller's context.
     *
     * @param receivedMillis milliseconds since 1970 UTC
     */
    Future<Receipt> publish(Event event, long receivedMillis);
}
