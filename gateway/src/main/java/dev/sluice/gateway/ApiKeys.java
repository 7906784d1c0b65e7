package dev.sluice.gateway;

import static dev.sluice.events.Rejection.UNAUTHENTICATED;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.settings.SettingsException;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Those who may send events: the file {@code {"keys":[…]}} of {@link ApiKey}s, read again when it changes. One that cannot be read
 * then leaves those that were known.
 */
final class ApiKeys {
    private static final Logger LOG = LoggerFactory.getLogger(ApiKeys.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long LOOK_MILLIS = 1_000;
    private static final String BEARER = "Bearer ";
    /** Where there is no key of a name: the answer takes as long, and nobody has the secret. */
    private static final ApiKey NOBODY = ApiKey.issue("nobody", List.of(), null).key();

    private final Path file;
    private byte[] read = new byte[0];
    private boolean broken;
    private volatile Map<String, ApiKey> keys = Map.of();

    ApiKeys(Path file) {
        this.file = file;
    }

    /**
     * Reads the file. Blocks.
     *
     * @throws SettingsException where it is no file of keys
     */
    void load() {
        try {
            read = Files.readAllBytes(file);
            keys = parse(read);
        } catch (IOException | IllegalArgumentException e) {
            throw new SettingsException(List.of(problem(e)));
        }
    }

    /** Looks at the file now and then. */
    void watch(Vertx vertx) {
        vertx.setPeriodic(
                LOOK_MILLIS,
                timer -> vertx.executeBlocking(() -> {
                    reload();
                    return null;
                }));
    }

    private synchronized void reload() {
        try {
            byte[] now = Files.readAllBytes(file);
            if (!Arrays.equals(read, now)) {
                read = now;
                keys = parse(now);
                LOG.info("API_KEYS_FILE: {} keys read", keys.size());
            }
            broken = false;
        } catch (IOException | IllegalArgumentException e) {
            if (!broken) {
                LOG.error("The keys stay as they were: {}", problem(e));
            }
            broken = true;
        }
    }

    private String problem(Exception cause) {
        return Settings.API_KEYS_FILE.name() + "=" + file + ": "
                + (cause instanceof IOException ? "cannot be read: " + cause : cause.getMessage());
    }

    /** @throws IllegalArgumentException that says what is wrong where */
    static Map<String, ApiKey> parse(byte[] file) throws IOException {
        JsonNode list = JSON.readTree(file).path("keys");
        if (!list.isArray()) {
            throw new IllegalArgumentException("must be {\"keys\":[…]}: make api-key writes it");
        }
        Map<String, ApiKey> keys = new HashMap<>();
        for (JsonNode each : list) {
            ApiKey key = ApiKey.parse(each);
            if (keys.put(key.name(), key) != null) {
                throw new IllegalArgumentException("the name " + key.name() + " is there twice");
            }
        }
        return Map.copyOf(keys);
    }

    /**
     * Whose request that is.
     *
     * @throws RefusedException without a key, or with one that does not hold
     */
    ApiKey sender(HttpServerRequest request) throws RefusedException {
        String token = token(request);
        if (token == null) {
            throw refused("Send a key as \"Authorization: Bearer …\" or \"X-API-Key: …\".");
        }
        int dot = token.indexOf('.');
        ApiKey key = keys.getOrDefault(dot < 0 ? "" : token.substring(0, dot), NOBODY);
        if (!key.isSecret(token.substring(dot + 1))) {
            throw refused("The key is not among those that are known here.");
        }
        if (key.isExpired(Instant.now())) {
            throw refused("The key " + key.name() + " expired at " + key.expires() + ".");
        }
        return key;
    }

    private static @Nullable String token(HttpServerRequest request) {
        String authorization = request.getHeader(HttpHeaders.AUTHORIZATION);
        if (authorization != null && authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
            return authorization.substring(BEARER.length()).strip();
        }
        return request.getHeader("X-API-Key");
    }

    private static RefusedException refused(String detail) {
        return Refusal.of(UNAUTHENTICATED, detail).asException();
    }
}
