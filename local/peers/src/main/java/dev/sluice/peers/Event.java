package dev.sluice.peers;

/** What the count needs of an event; with fields and a constructor as Flink's fastest serializer wants them. */
public final class Event {
    public String type = "";
    /** Milliseconds since 1970 UTC. */
    public long timestamp;

    /** For Flink. */
    public Event() {}

    Event(String type, long timestamp) {
        this.type = type;
        this.timestamp = timestamp;
    }
}
