package dev.sluice.streaming;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The producers of this JVM, one for each configuration. Static, for tasks come to an executor out of nothing and last
 * for less than the connections of a producer take.
 */
final class Producers {
    private static final Map<Map<String, String>, Producer<byte[], byte[]>> OPEN = new HashMap<>();
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(Producers::close, "close producers"));
    }

    private Producers() {}

    static synchronized Producer<byte[], byte[]> get(Map<String, String> settings) {
        return OPEN.computeIfAbsent(
                settings,
                same -> new KafkaProducer<>(Map.copyOf(same), new ByteArraySerializer(), new ByteArraySerializer()));
    }

    /** Closes one that failed, maybe for good: tasks that are at it fail as well, and the next one gets another. */
    static synchronized void drop(Map<String, String> settings, Producer<byte[], byte[]> failed) {
        OPEN.remove(settings, failed);
        failed.close(Duration.ZERO);
    }

    private static synchronized void close() {
        OPEN.values().forEach(producer -> producer.close(PATIENCE));
    }
}
