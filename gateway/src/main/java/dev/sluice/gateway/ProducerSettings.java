package dev.sluice.gateway;

import dev.sluice.settings.Environment;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Settings of Kafka's producer: what a 202 promises, defaults, and every {@code KAFKA_PRODUCER_…} variable. */
final class ProducerSettings {
    static final String PREFIX = "KAFKA_PRODUCER_";

    private ProducerSettings() {}

    static Map<String, String> read(Environment environment, String bootstrapServers) {
        Map<String, String> promised = promised(bootstrapServers);
        Map<String, String> producer = defaults();
        environment.properties(PREFIX, ProducerConfig.configNames()).forEach((key, value) -> {
            String fixed = promised.get(key);
            if (fixed != null && !fixed.equalsIgnoreCase(value)) {
                String variable = PREFIX + key.toUpperCase(Locale.ROOT).replace('.', '_');
                environment.problem(variable + "=" + value + ": " + key + " is always " + fixed + "; unset it");
            }
            producer.put(key, value);
        });
        producer.putAll(promised);
        checkValues(environment, producer);
        return Map.copyOf(producer);
    }

    /** Those of the settings that a client of another kind knows, too: where Kafka is, and how to be let in. */
    static Map<String, String> knownTo(Set<String> names, Map<String, String> producer) {
        Map<String, String> known = new HashMap<>(producer);
        known.keySet().retainAll(names);
        return known;
    }

    /** What the meaning of a 202 and the event loop rest on; nobody can set it otherwise. */
    private static Map<String, String> promised(String bootstrapServers) {
        return Map.of(
                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                bootstrapServers,
                ProducerConfig.ACKS_CONFIG,
                "all",
                ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
                "true",
                // send() fails at once instead of waiting for metadata or memory: it runs on an event loop
                ProducerConfig.MAX_BLOCK_MS_CONFIG,
                "0",
                ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG,
                ByteArraySerializer.class.getName(),
                ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG,
                ByteArraySerializer.class.getName());
    }

    private static Map<String, String> defaults() {
        Map<String, String> defaults = new HashMap<>();
        defaults.put(ProducerConfig.CLIENT_ID_CONFIG, "sluice-gateway");
        // senders that wait for their answers wait for this too: with 5 ms, 512 of them bring a third fewer events
        defaults.put(ProducerConfig.LINGER_MS_CONFIG, "2");
        // of senders that do not wait; fewer and smaller requests spare the gateway as much as the broker
        defaults.put(ProducerConfig.BATCH_SIZE_CONFIG, "65536");
        defaults.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, "lz4");
        // An answer within twenty seconds even when Kafka gives none; a person waits no longer.
        defaults.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, "20000");
        defaults.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, "10000");
        // Kafka's own defaults give up a lost broker for up to ten seconds at a time: back within one.
        defaults.put(ProducerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, "500");
        return defaults;
    }

    private static void checkValues(Environment environment, Map<String, String> producer) {
        Properties properties = new Properties();
        properties.putAll(producer);
        try {
            new ProducerConfig(properties);
        } catch (ConfigException e) {
            environment.problem(PREFIX + "…: " + e.getMessage());
        }
    }
}
