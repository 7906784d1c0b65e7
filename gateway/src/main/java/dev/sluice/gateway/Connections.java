package dev.sluice.gateway;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Ends the connections of one event loop on which no request is under way for too long. Vert.x's own idle timeout
 * begins anew with every byte, which a sender can trickle in for ever.
 *
 * <p>Vert.x tells of a connection once its first request is there; until then its idle timeout is what there is.
 */
final class Connections {
    private static final long SWEEP_MILLIS = 1_000;

    /** What one connection does. */
    private static final class Use {
        private int requests;
        private long idleSince = System.nanoTime();
    }

    private final Map<HttpConnection, Use> open = new HashMap<>();
    private final Duration patience;

    /** @param patience from the end of an answer to the end of the next request's headers */
    Connections(Vertx vertx, Duration patience) {
        this.patience = patience;
        vertx.setPeriodic(SWEEP_MILLIS, timer -> sweep());
    }

    void opened(HttpConnection connection) {
        open.put(connection, new Use());
        connection.closeHandler(closed -> open.remove(connection));
    }

    /** A handler of every request. */
    void used(RoutingContext context) {
        Use use = open.get(context.request().connection());
        if (use != null) {
            use.requests++;
            context.addEndHandler(ended -> {
                use.requests--;
                use.idleSince = System.nanoTime();
            });
        }
        context.next();
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
