package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.events.CountRecord;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.kafka.client.common.TopicPartition;
import io.vertx.kafka.client.consumer.KafkaConsumer;
import io.vertx.kafka.client.consumer.KafkaConsumerRecord;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the topic of counts from its start into a {@link CountsView}, and stays at its end. A topic that is not there, or a
 * Kafka that is not, is asked for again; what the view has until then stays.
 */
final class CountsFeed {
    private static final Logger LOG = LoggerFactory.getLogger(CountsFeed.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long AGAIN_MILLIS = 2_000;
    private static final long LOOK_MILLIS = 200;
    private static final List<String> DECLARED = List.of(
            CountRecord.WINDOW_START,
            CountRecord.WINDOW_END,
            CountRecord.EVENT_TYPE,
            CountRecord.OUTCOME,
            CountRecord.COUNT,
            CountRecord.BATCH);

    private final Vertx vertx;
    private final String topic;
    private final Map<String, String> client;
    private final CountsView view;
    private @Nullable KafkaConsumer<byte[], byte[]> consumer;
    private @Nullable ObjectNode progress;
    private boolean ready;
    private boolean closed;

    /**
     * A feed that has not begun.
     *
     * @param producer settings, of which a consumer takes those that it knows
     */
    CountsFeed(Vertx vertx, String topic, Map<String, String> producer, CountsView view) {
        this.vertx = vertx;
        this.topic = topic;
        this.client = consumer(producer);
        this.view = view;
    }

    private static Map<String, String> consumer(Map<String, String> producer) {
        Map<String, String> consumer = ProducerSettings.knownTo(ConsumerConfig.configNames(), producer);
        consumer.put("client.id", "sluice-gateway-counts");
        consumer.put("key.deserializer", ByteArrayDeserializer.class.getName());
        consumer.put("value.deserializer", ByteArrayDeserializer.class.getName());
        consumer.put("auto.offset.reset", "earliest");
        consumer.put("enable.auto.commit", "false");
        consumer.put("isolation.level", "read_committed");
        consumer.put("allow.auto.create.topics", "false");
        // a stop waits for what Kafka is asked
        consumer.put("default.api.timeout.ms", "3000");
        consumer.put("request.timeout.ms", "3000");
        // beside the events, a little memory
        consumer.put("fetch.max.bytes", "1048576");
        consumer.put("max.partition.fetch.bytes", "262144");
        return Map.copyOf(consumer);
    }

    /** Begins, and does not wait. */
    void start() {
        // Kafka's client loads hundreds of classes, and fails where no broker's name is known
        vertx.executeBlocking(() -> KafkaConsumer.<byte[], byte[]>create(vertx, client))
                .onSuccess(created -> {
                    consumer = created;
                    created.exceptionHandler(failure -> LOG.warn("Counts cannot be read: {}", failure.getMessage()));
                    look(created);
                })
                .onFailure(failure -> later(this::start, failure));
    }

    private void look(KafkaConsumer<byte[], byte[]> reader) {
        reader.partitionsFor(topic)
                .compose(found -> found.isEmpty()
                        ? Future.failedFuture("the topic " + topic + " does not exist")
                        : read(reader, found.size()))
                .onFailure(failure -> later(() -> look(reader), failure));
    }

    private void later(Runnable again, Throwable failure) {
        LOG.debug("Counts cannot be read yet: {}", failure.getMessage());
        vertx.setTimer(AGAIN_MILLIS, timer -> {
            if (!closed) {
                again.run();
            }
        });
    }

    /** Whether all that was there at the start is in the view. */
    boolean isReady() {
        return ready;
    }

    /** What streaming said last of how far it is: {@link CountRecord#PROGRESS}; null where it said nothing yet. */
    @Nullable
    ObjectNode progress() {
        return progress;
    }

    Future<Void> close() {
        closed = true;
        return consumer == null ? Future.succeededFuture() : consumer.close();
    }

    private Future<Void> read(KafkaConsumer<byte[], byte[]> reader, int partitions) {
        Set<TopicPartition> all = IntStream.range(0, partitions)
                .mapToObj(partition -> new TopicPartition(topic, partition))
                .collect(Collectors.toSet());
        reader.handler(this::take);
        return reader.assign(all)
                .compose(assigned -> reader.seekToBeginning(all))
                .compose(atStart -> reader.endOffsets(all))
                .map(ends -> {
                    awaitEnds(reader, ends);
                    return null;
                });
    }

    private void awaitEnds(KafkaConsumer<byte[], byte[]> reader, Map<TopicPartition, Long> ends) {
        // by position and not by record: the last of a transaction is none
        Future.all(ends.entrySet().stream()
                        .map(end -> reader.position(end.getKey()).map(position -> position >= end.getValue()))
                        .toList())
                .onComplete(positions -> {
                    if (positions.succeeded()
                            && positions.result().<Boolean>list().stream().allMatch(reached -> reached)) {
                        LOG.info("Counts of topic {}: {} read", topic, view.size());
                        ready = true;
                        view.watch();
                    } else if (!closed) {
                        vertx.setTimer(LOOK_MILLIS, timer -> awaitEnds(reader, ends));
                    }
                });
    }

    private void take(KafkaConsumerRecord<byte[], byte[]> record) {
        try {
            String key = new String(record.key(), UTF_8);
            if (record.value() == null) {
                return;
            }
            ObjectNode value = (ObjectNode) JSON.readTree(record.value());
            switch (key) {
                case CountRecord.WATERMARK ->
                    view.close(
                            record.partition(),
                            Instant.parse(value.path(CountRecord.WATERMARK).asText()));
                case CountRecord.PROGRESS -> progress = value;
                default -> put(value, record.partition());
            }
        } catch (IOException | DateTimeException | NullPointerException | ClassCastException e) {
            LOG.warn(
                    "Topic {} holds something that is no count, at offset {} of partition {}",
                    topic,
                    record.offset(),
                    record.partition());
        }
    }

    private void put(ObjectNode count, int partition) {
        CountsView.Window window = new CountsView.Window(
                Instant.parse(count.path(CountRecord.WINDOW_START).asText()),
                Instant.parse(count.path(CountRecord.WINDOW_END).asText()));
        CountsView.Group group = new CountsView.Group(
                count.path(CountRecord.EVENT_TYPE).asText(),
                count.path(CountRecord.OUTCOME).asText());
        long value = count.path(CountRecord.COUNT).asLong();
        String aggregates = count.remove(DECLARED).toString();
        view.put(
                window,
                group,
                new CountsView.Counted(
                        value, partition, count.isEmpty() ? null : aggregates.substring(1, aggregates.length() - 1)));
    }
}
