package dev.sluice.gateway;

import org.jspecify.annotations.Nullable;

/** One event that keeps the contract. */
final class Event implements Verdict {
    private final byte[] value;
    private final String type;
    private final @Nullable String key;

    /**
     * @param value its JSON, the bytes of the Kafka record's value; not copied
     * @param type its {@code event_type}
     * @param key the Kafka record's key; null for none
     */
    Event(byte[] value, String type, @Nullable String key) {
        this.value = value;
        this.type = type;
        this.key = key;
    }

    byte[] value() {
        return value;
    }

    String type() {
        return type;
    }

    @Nullable
    String key() {
        return key;
    }
}
