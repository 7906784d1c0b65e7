package dev.sluice.gateway;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

/** Quotas of those who have none of their own, by their names, which are as many as an issuer of tokens makes them. */
final class Quotas {
    private static final int REMEMBERED = 10_000;

    private final long events;
    private final long bytes;
    private final Cache<String, Quota> used = Caffeine.newBuilder()
            .maximumSize(REMEMBERED)
            .executor(Runnable::run)
            .build();

    /**
     * None is used yet.
     *
     * @param events a second; 0 for any number
     * @param bytes a second; 0 for any number
     */
    Quotas(long events, long bytes) {
        this.events = events;
        this.bytes = bytes;
    }

    /** That of this name, with what it has used of it. */
    Quota of(String name) {
        return events == 0 && bytes == 0 ? Quota.NONE : used.get(name, unused -> Quota.of(events, bytes));
    }
}
