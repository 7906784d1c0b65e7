package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
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
    private final Vertx vertx;
    private final String topic;
    private final Map<String, String> client;
    private final CountsView view;
    private @Nullable KafkaConsumer<byte[], byte[]> consumer;
    private @Nullable ObjectNode progress;
    private String lastStart = "";
    private String lastEnd = "";
    private CountsView.Window lastWindow = new CountsView.Window(Instant.EPOCH, Instant.EPOCH);
    private boolean ready;
    private volatile boolean closed;
    /** For a thread of Kafka's client too. */
    private volatile String lastProblem = "";

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
        // the event loop is held for as long as these take
        consumer.put("max.poll.records", "200");
        return Map.copyOf(consumer);
    }

    /** Begins, and does not wait. */
    void start() {
        // Kafka's client loads hundreds of classes, and fails where no broker's name is known
        vertx.executeBlocking(() -> KafkaConsumer.<byte[], byte[]>create(vertx, client))
                .onSuccess(created -> {
                    consumer = created;
                    created.exceptionHandler(failure -> rest(created, failure));
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

    /** A reader that Kafka does not let in fails again at once, thousands of times a second. */
    private void rest(KafkaConsumer<byte[], byte[]> reader, Throwable failure) {
        String problem = String.valueOf(failure.getMessage());
        if (!problem.equals(lastProblem)) {
            lastProblem = problem;
            LOG.warn("Counts cannot be read, trying on: {}", problem);
        }
        reader.pause();
        vertx.setTimer(AGAIN_MILLIS, timer -> {
            if (!closed) {
                reader.resume();
            }
        });
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
        lastProblem = "";
        try {
            String key = new String(record.key(), UTF_8);
            if (record.value() == null) {
                return;
            }
            switch (key) {
                case CountRecord.WATERMARK ->
                    view.close(
                            record.partition(),
                            Instant.parse(JSON.readTree(record.value())
                                    .path(CountRecord.WATERMARK)
                                    .asText()));
                case CountRecord.PROGRESS -> progress = (ObjectNode) JSON.readTree(record.value());
                default -> put(record.value(), record.partition());
            }
        } catch (IOException | DateTimeException | NullPointerException | ClassCastException e) {
            LOG.warn(
                    "Topic {} holds something that is no count, at offset {} of partition {}",
                    topic,
                    record.offset(),
                    record.partition());
        }
    }

    /** Without a tree: at the start there may be millions of them. */
    private void put(byte[] value, int partition) throws IOException {
        String start = "";
        String end = "";
        String type = "";
        String outcome = "";
        long count = 0;
        StringBuilder aggregates = new StringBuilder();
        try (JsonParser json = JSON.createParser(value)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw new IOException("not an object");
            }
            for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
                JsonToken token = json.nextToken();
                switch (name) {
                    case CountRecord.WINDOW_START -> start = json.getText();
                    case CountRecord.WINDOW_END -> end = json.getText();
                    case CountRecord.EVENT_TYPE -> type = token == JsonToken.VALUE_NULL ? "" : json.getText();
                    case CountRecord.OUTCOME -> outcome = json.getText();
                    case CountRecord.COUNT -> count = json.getLongValue();
                    default -> {
                        if (token.isNumeric() && CountRecord.AGGREGATES.contains(name)) {
                            aggregates
                                    .append(aggregates.isEmpty() ? "\"" : ",\"")
                                    .append(name)
                                    .append("\":")
                                    .append(json.getText());
                        } else {
                            json.skipChildren();
                        }
                    }
                }
            }
        }
        view.put(
                window(start, end),
                new CountsView.Group(type, outcome),
                new CountsView.Counted(count, partition, aggregates.isEmpty() ? null : aggregates.toString()));
    }

    /** Counts of a window come together, and to read two times takes as long as all else of a count. */
    private CountsView.Window window(String start, String end) {
        if (!start.equals(lastStart) || !end.equals(lastEnd)) {
            lastWindow = new CountsView.Window(Instant.parse(start), Instant.parse(end));
            lastStart = start;
            lastEnd = end;
        }
        return lastWindow;
    }
}
