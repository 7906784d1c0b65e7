package dev.sluice.gateway;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerOptions;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Ends the connections of one event loop on which no request is under way for too long. Vert.x's own idle timeout
 * begins anew with every byte, which a sender can trickle in for ever.
 *
 * <p>Vert.x tells of a connection once its first request is there. Until then nothing is sent on it, or nothing but what
 * opens TLS, for which Vert.x has a timeout that no byte received begins anew.
 */
final class Connections {
    private static final long SWEEP_MILLIS = 1_000;

    /** What one connection does. */
    static final class Use {
        private final Budget.Share share = new Budget.Share();
        private int requests;
        private long idleSince = System.nanoTime();

        /** What its requests hold together. */
        Budget.Share share() {
            return share;
        }

        /** The request is answered. */
        void ended() {
            requests--;
            idleSince = System.nanoTime();
        }
    }

    private final Map<HttpConnection, Use> open = new HashMap<>();
    private final Duration patience;

    /** @param patience from the end of an answer to the end of the next request's headers */
    Connections(Vertx vertx, Duration patience) {
        this.patience = patience;
        vertx.setPeriodic(SWEEP_MILLIS, timer -> sweep());
    }

    /**
     * Sets the timeouts of a server's connections that these leave open.
     *
     * @param longestRequest from the end of a request's headers to its answer: until then nothing is sent either
     */
    HttpServerOptions limit(HttpServerOptions options, Duration longestRequest) {
        return options.setIdleTimeoutUnit(TimeUnit.MILLISECONDS)
                .setIdleTimeout((int) patience.toMillis())
                .setWriteIdleTimeout((int) Math.min(
                        Integer.MAX_VALUE, patience.plus(longestRequest).toMillis()));
    }

    void opened(HttpConnection connection) {
        open.put(connection, new Use());
        connection.closeHandler(closed -> open.remove(connection));
    }

    /** For a request that is to be answered: {@link Use#ended} must follow. */
    Use begin(HttpConnection connection) {
        Use use = open.get(connection);
        // one that is closed already comes to nothing more
        Use begun = use == null ? new Use() : use;
        begun.requests++;
        return begun;
    }

    private void sweep() {
        long now = System.nanoTime();
        List<HttpConnection> idle = open.entrySet().stream()
                .filter(entry ->
                        entry.getValue().requests == 0 && now - entry.getValue().idleSince > patience.toNanos())
                .map(Map.Entry::getKey)
                .toList();
        idle.forEach(HttpConnection::close);
    }
}
