package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import dev.sluice.settings.Environment;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A real broker, and what a test does with it. */
final class Kafka implements AutoCloseable {
    static final int PARTITIONS = 2;

    private final RealBroker broker;
    private final Path folder;
    private final String servers;
    private final KafkaProducer<byte[], byte[]> producer;
    private final List<Future<RecordMetadata>> stored = new ArrayList<>();

    Kafka(Path folder) {
        this(folder, RealBroker.start(folder.resolve("kafka")));
    }

    private Kafka(Path folder, RealBroker broker) {
        this(folder, broker, broker.bootstrapServers());
    }

    /** @param servers where the test goes in, and what it tests does not */
    Kafka(Path folder, RealBroker broker, String servers) {
        this.folder = folder;
        this.broker = broker;
        this.servers = servers;
        this.producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", servers), new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** With room for records of any time: Kafka would delete old ones, and what it knows of their producer, at any moment. */
    void createTopic(String name, Map<String, String> configuration) throws Exception {
        Map<String, String> all = new HashMap<>(Map.of("retention.ms", "-1"));
        all.putAll(configuration);
        try (Admin admin = admin()) {
            NewTopic topic = new NewTopic(name, PARTITIONS, (short) 1).configs(all);
            RealTopics.create(admin, List.of(topic));
        }
    }

    Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", servers));
    }

    /** Stores a record as it would have been received then. */
    void store(String topic, Instant received, String key, byte[] value) {
        store(topic, received, key, value, Map.of());
    }

    void store(String topic, Instant received, String key, byte[] value, Map<String, String> headers) {
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(
                topic, null, received.toEpochMilli(), key == null ? null : key.getBytes(UTF_8), value);
        headers.forEach((name, text) -> record.headers().add(name, text.getBytes(UTF_8)));
        stored.add(producer.send(record));
    }

    void store(String topic, Instant received, String value) {
        store(topic, received, null, value.getBytes(UTF_8));
    }

    /** Waits until all is stored. */
    void flush() throws Exception {
        producer.flush();
        for (Future<RecordMetadata> each : stored) {
            each.get();
        }
        stored.clear();
    }

    /** Every record of the topic up to now. */
    List<ConsumerRecord<byte[], byte[]>> records(String topic) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", servers, "auto.offset.reset", "earliest"),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                    .map(partition -> new TopicPartition(topic, partition.partition()))
                    .toList();
            consumer.assign(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (!ends.entrySet().stream().allMatch(end -> consumer.position(end.getKey()) >= end.getValue())) {
                consumer.poll(Duration.ofSeconds(1)).forEach(records::add);
            }
        }
        return records;
    }

    /** The headers of a record, as text. */
    static Map<String, String> headers(ConsumerRecord<byte[], byte[]> record) {
        Map<String, String> headers = new HashMap<>();
        for (Header header : record.headers()) {
            headers.put(header.key(), new String(header.value(), UTF_8));
        }
        return headers;
    }

    /** With a checkpoint of its own for each topic. */
    Environment environment(String topic, Map<String, String> more) {
        Map<String, String> variables = new HashMap<>(Map.of(
                "EVENTS_TOPIC",
                topic,
                "KAFKA_PORT",
                Integer.toString(broker.port()),
                "TRIGGER",
                "100ms",
                "CHECKPOINT_DIR",
                folder.resolve("checkpoint-" + topic).toString()));
        variables.putAll(more);
        return new Environment(variables);
    }

    @Override
    public void close() {
        producer.close();
        broker.close();
    }
}
