package dev.sluice.peers;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;

/**
 * What the jobs have in common.
 *
 * @param servers {@code host:port,…} of Kafka
 * @param topic of the events
 * @param threads that count
 */
record Job(String servers, String topic, int threads) {
    static final Duration WINDOW = Duration.ofMinutes(1);
    static final Duration LATENESS = Duration.ofMinutes(10);

    /** Kafka's names, with what made streaming's source fastest, and the interceptor that says how far the job is. */
    Map<String, String> consumer() {
        Map<String, String> consumer = new HashMap<>();
        consumer.put("max.poll.records", "100000");
        consumer.put("receive.buffer.bytes", "1048576");
        consumer.put("interceptor.classes", Rows.class.getName());
        return consumer;
    }

    Properties properties() {
        Properties properties = new Properties();
        properties.putAll(consumer());
        return properties;
    }
}
