package dev.sluice.local;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Stores records of every kind in Kafka, some hundred a second, and knows what is to be counted of them. */
final class Records implements AutoCloseable {
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
    private static final int KINDS = 10;
    private static final int TYPES = 4;
    private static final String DUPLICATE = " duplicate";

    private final String topic;
    private final KafkaProducer<String, String> producer;
    private final ExecutorService thread = Executors.newSingleThreadExecutor();
    private final Future<?> sender;
    private final Map<String, Long> sent = new ConcurrentHashMap<>();
    private volatile boolean stopping;

    Records(String bootstrapServers, String topic) {
        this.topic = topic;
        this.producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", bootstrapServers, "delivery.timeout.ms", 300_000, "max.block.ms", 300_000),
                new StringSerializer(),
                new StringSerializer());
        this.sender = thread.submit(this::send);
    }

    /** Ends the load; returns how many records there are by {@code type outcome}. */
    Map<String, Long> end() throws InterruptedException, ExecutionException {
        stopping = true;
        sender.get();
        producer.flush();
        return Map.copyOf(sent);
    }

    static long duplicates(Map<String, Long> counts) {
        return counts.entrySet().stream()
                .filter(entry -> entry.getKey().endsWith(DUPLICATE))
                .mapToLong(Map.Entry::getValue)
                .sum();
    }

    @Override
    public void close() {
        stopping = true;
        thread.shutdown();
        producer.close();
    }

    private void send() {
        for (int i = 0; !stopping; i++) {
            String type = "type" + i / KINDS % TYPES;
            String event = "{\"event_type\":\"" + type + "\"";
            String id = ",\"event_id\":\"" + i / KINDS + "\"}";
            switch (i % KINDS) {
                case 0 -> store(event + id, type + " counted");
                // the same id, the one time in another partition most likely, the other time much later
                case 4 -> store(event + id, type + DUPLICATE);
                case 5 -> storeAgain(i);
                case 6 -> store(event + ",\"timestamp\":123456789809}", type + " late");
                case 7 -> store(event + ",\"timestamp\":4102444800000}", type + " future");
                case 8 -> store("not an event", "- malformed");
                default -> store(event + "}", type + " counted");
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    /** An id of the first half of those that there were. */
    private void storeAgain(int i) {
        int old = i / KINDS / 2;
        String type = "type" + old % TYPES;
        store("{\"event_type\":\"" + type + "\",\"event_id\":\"" + old + "\"}", type + DUPLICATE);
    }

    private void store(String value, String key) {
        producer.send(new ProducerRecord<>(topic, value));
        sent.merge(key, 1L, Long::sum);
    }
}
