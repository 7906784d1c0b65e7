package dev.sluice.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Those who may send events: the file {@code {"keys":[…]}} of {@link ApiKey}s, read again when it changes.
 */
final class ApiKeys {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** Where there is no key of a name: the answer takes as long, and nobody has the secret. */
    private static final ApiKey NOBODY =
            ApiKey.issue("nobody", List.of(), null, Quota.NONE).key();

    private final Watch file;
    private final Quotas quotas;
    private volatile Map<String, ApiKey> keys = Map.of();

    /** @param quotas of keys that have none of their own */
    ApiKeys(Path file, Quotas quotas) {
        this.quotas = quotas;
        this.file = new Watch(
                List.of(Watch.Source.file(Settings.API_KEYS_FILE.name(), file)), contents -> use(contents.get(0)));
    }

    /** As {@link Watch#load}. */
    void load() {
        file.load();
    }

    void watch(Vertx vertx) {
        file.watch(vertx);
    }

    private void use(byte[] file) {
        Map<String, ApiKey> next = new HashMap<>(parse(file));
        // what a key has used of its quota is not given back because another key came
        next.replaceAll((name, key) -> key.equals(keys.get(name)) ? keys.getOrDefault(name, key) : key);
        keys = Map.copyOf(next);
    }

    /** @throws IllegalArgumentException that says what is wrong where */
    static Map<String, ApiKey> parse(byte[] file) {
        Map<String, ApiKey> keys = new HashMap<>();
        for (JsonNode each : list(file)) {
            ApiKey key = ApiKey.parse(each);
            if (keys.put(key.name(), key) != null) {
                throw new IllegalArgumentException("the name " + key.name() + " is there twice");
            }
        }
        return Map.copyOf(keys);
    }

    private static JsonNode list(byte[] file) {
        JsonNode list;
        try {
            list = JSON.readTree(file).path("keys");
        } catch (IOException e) {
            throw new IllegalArgumentException("is no JSON: " + e.getMessage(), e);
        }
        if (!list.isArray()) {
            throw new IllegalArgumentException("must be {\"keys\":[…]}: make api-key writes it");
        }
        return list;
    }

    /**
     * Whose key that is.
     *
     * @throws RefusedException where it does not hold
     */
    Sender sender(String token) throws RefusedException {
        int dot = token.indexOf('.');
        ApiKey key = keys.getOrDefault(dot < 0 ? "" : token.substring(0, dot), NOBODY);
        if (!key.isSecret(token.substring(dot + 1))) {
            throw Senders.refused("The key is not among those that are known here.");
        }
        if (key.isExpired(Instant.now())) {
            throw Senders.refused("The key " + key.name() + " expired at " + key.expires() + ".");
        }
        return key.sender(quotas);
    }
}
