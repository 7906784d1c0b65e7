package dev.sluice.gateway;

import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.handler.CorsHandler;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Which pages of other origins may send events. */
final class Browsers {
    /** Browsers keep an answer two hours at most. */
    private static final int MAX_AGE_SECONDS = (int) Duration.ofHours(2).toSeconds();

    private Browsers() {}

    /**
     * CORS for those origins; empty for none.
     *
     * @param origins {@code *} for any
     */
    static Optional<CorsHandler> cors(List<String> origins) {
        if (origins.isEmpty()) {
            return Optional.empty();
        }
        CorsHandler cors = CorsHandler.create();
        if (origins.contains("*")) {
            cors.addOrigin("*");
        } else {
            // a beacon says that it has credentials, and a browser asks for this before it sends JSON with them
            cors.addOrigins(origins).allowCredentials(true);
        }
        return Optional.of(cors.allowedMethods(Set.of(HttpMethod.POST, HttpMethod.GET))
                .allowedHeaders(Set.of("content-type", "content-encoding", "authorization", "x-api-key"))
                .exposedHeader("Retry-After")
                .maxAgeSeconds(MAX_AGE_SECONDS));
    }
}
