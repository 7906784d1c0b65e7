package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.sluice.events.CountRecord;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.spark.api.java.function.VoidFunction2;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;

/**
 * Publishes each count that a batch changed as what it is now: {@link CountRecord}. A batch is one transaction, so that readers
 * see all of it or nothing; and a process that was taken for dead can write no more once another one has begun.
 */
final class CountsTopic implements VoidFunction2<Dataset<Row>, Long>, AutoCloseable {
    private static final long serialVersionUID = 1;
    private static final JsonFactory JSON = new JsonFactory();
    private static final String COMPACTED = "compact";

    private final transient String topic;
    private final transient Map<String, String> client;
    private final transient String id;
    private final transient Duration window;
    private final transient Duration slide;
    private transient @Nullable KafkaProducer<byte[], byte[]> producer;
    private transient Instant closed = Instant.EPOCH;

    CountsTopic(String topic, Settings settings) {
        this.topic = topic;
        this.client = settings.consumer();
        // no other query of this Kafka has its group
        this.id = settings.group() + "-counts";
        this.window = settings.window();
        this.slide = settings.slide();
    }

    /**
     * Looks at the topic, which has to exist.
     *
     * @throws IllegalStateException where Kafka would keep each count that ever was
     */
    void check() throws InterruptedException {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        try (Admin admin = Admin.create(Map.copyOf(client))) {
            Config config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
            String policy =
                    config == null ? COMPACTED : config.get("cleanup.policy").value();
            if (!policy.contains(COMPACTED)) {
                throw new IllegalStateException("COUNTS_TOPIC=" + topic + ": has cleanup.policy=" + policy
                        + " and must be compacted: kafka-configs.sh --alter --entity-type topics --entity-name " + topic
                        + " --add-config cleanup.policy=compact");
            }
        } catch (ExecutionException e) {
            // whoever may not ask may still write
            if (!(e.getCause() instanceof AuthorizationException)) {
                throw new KafkaException(e.getCause());
            }
        }
    }

    @Override
    public synchronized void call(Dataset<Row> counts, Long batch) {
        Iterator<Row> rows = counts.toLocalIterator();
        if (rows.hasNext()) {
            transact(Stream.iterate(rows, Iterator::hasNext, same -> same)
                    .map(each -> record(StoredCount.of(each.next(), 0), batch)));
        }
    }

    /** Says how far streaming is, and which windows are final where more of them are. */
    synchronized void tell(Status status) {
        Optional<Instant> watermark = status.closed().filter(now -> now.isAfter(closed));
        Stream<ProducerRecord<byte[], byte[]>> marks = watermark.stream().flatMap(now -> IntStream.range(
                        0, producer().partitionsFor(topic).size())
                .mapToObj(partition -> watermark(partition, now)));
        transact(Stream.concat(marks, Stream.of(progress(status))));
        watermark.ifPresent(now -> closed = now);
    }

    @Override
    public synchronized void close() {
        if (producer != null) {
            producer.close(Duration.ZERO);
            producer = null;
        }
    }

    private void transact(Stream<ProducerRecord<byte[], byte[]>> records) {
        try {
            KafkaProducer<byte[], byte[]> open = producer();
            open.beginTransaction();
            records.forEach(record -> {
                // one that fails makes the commit fail
                var unused = open.send(record);
            });
            open.commitTransaction();
        } catch (ProducerFencedException e) {
            close();
            throw new IllegalStateException(
                    "another streaming with the transactional id " + id + " (of CONSUMER_GROUP) has begun", e);
        } catch (RuntimeException e) {
            // the batch is done again, by a producer that has seen no trouble
            close();
            throw e;
        }
    }

    private KafkaProducer<byte[], byte[]> producer() {
        if (producer == null) {
            Map<String, Object> settings = new HashMap<>(DeadLetters.producer(client));
            settings.put("transactional.id", id);
            settings.put("compression.type", "lz4");
            producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
            // ends what another process, or this one before, has left open
            producer.initTransactions();
        }
        return producer;
    }

    private ProducerRecord<byte[], byte[]> record(StoredCount count, long batch) {
        String start = count.start().toString();
        String end = count.end().toString();
        byte[] key =
                CountRecord.key(start, end, count.outcome(), count.eventType()).getBytes(UTF_8);
        return new ProducerRecord<>(topic, key, json(json -> {
            json.writeStringField(CountRecord.WINDOW_START, start);
            json.writeStringField(CountRecord.WINDOW_END, end);
            if (!count.eventType().isEmpty()) {
                json.writeStringField(CountRecord.EVENT_TYPE, count.eventType());
            }
            json.writeStringField(CountRecord.OUTCOME, count.outcome());
            json.writeNumberField(CountRecord.COUNT, count.count());
            for (Map.Entry<String, @Nullable Number> aggregate :
                    count.aggregates().entrySet()) {
                Number value = aggregate.getValue();
                if (value instanceof Long whole) {
                    json.writeNumberField(aggregate.getKey(), whole);
                } else if (value != null) {
                    json.writeNumberField(aggregate.getKey(), value.doubleValue());
                }
            }
            json.writeNumberField(CountRecord.BATCH, batch);
        }));
    }

    private ProducerRecord<byte[], byte[]> watermark(int partition, Instant watermark) {
        byte[] value = json(json -> json.writeStringField(CountRecord.WATERMARK, watermark.toString()));
        return new ProducerRecord<>(topic, partition, CountRecord.WATERMARK.getBytes(UTF_8), value);
    }

    private ProducerRecord<byte[], byte[]> progress(Status status) {
        return new ProducerRecord<>(topic, CountRecord.PROGRESS.getBytes(UTF_8), json(json -> {
            json.writeStringField(CountRecord.AT, Instant.now().toString());
            json.writeNumberField(CountRecord.BATCH, status.batch());
            json.writeNumberField(CountRecord.BATCH_MILLIS, status.batchMillis());
            json.writeNumberField(CountRecord.WINDOW_MILLIS, window.toMillis());
            json.writeNumberField(CountRecord.SLIDE_MILLIS, slide.toMillis());
            time(json, CountRecord.COMPLETE_UNTIL, status.completeUntil());
            time(json, CountRecord.WATERMARK, status.closed());
            json.writeNumberField(CountRecord.LAG_RECORDS, status.lag());
            json.writeNumberField(CountRecord.RECORDS, status.records());
            json.writeObjectFieldStart(CountRecord.OUTCOMES);
            for (Map.Entry<Outcome, Long> outcome : status.outcomes().entrySet()) {
                json.writeNumberField(outcome.getKey().code(), outcome.getValue());
            }
            json.writeEndObject();
        }));
    }

    private static void time(JsonGenerator json, String name, Optional<Instant> time) throws IOException {
        if (time.isPresent()) {
            json.writeStringField(name, time.get().toString());
        }
    }

    private interface Fields {
        void write(JsonGenerator json) throws IOException;
    }

    private static byte[] json(Fields fields) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(bytes)) {
            json.writeStartObject();
            fields.write(json);
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }
}
