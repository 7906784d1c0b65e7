package dev.sluice.gateway;

import static dev.sluice.events.Rejection.KAFKA_REFUSED;
import static dev.sluice.events.Rejection.KAFKA_UNAVAILABLE;
import static dev.sluice.events.Rejection.OUTCOME_UNKNOWN;
import static dev.sluice.events.Rejection.OVERLOADED;
import static dev.sluice.events.Rejection.RECORD_TOO_LARGE;

import dev.sluice.settings.Topics;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.kafka.client.producer.KafkaProducer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One Kafka producer for all event loops.
 *
 * <p>With {@code max.block.ms=0} Kafka's own {@code send} fails instead of waiting, so it is called on the event loop;
 * the Vert.x client's {@code send} would hop to a worker for each record. Metadata, for which {@code send} would wait,
 * is fetched and kept fresh by a timer on a worker.
 */
final class KafkaPublisher implements Publisher {
    private static final Logger LOG = LoggerFactory.getLogger(KafkaPublisher.class);
    private static final Refusal QUIET =
            Refusal.of(KAFKA_UNAVAILABLE, "Kafka has not acknowledged anything for some seconds.");
    /** What is not acknowledged by then was answered as such. */
    private static final Duration CLOSE = Duration.ofSeconds(2);

    private static final long BREAKER_POLL_MILLIS = 500;
    private static final int PROBE_TIMEOUT_MILLIS = 2_000;
    private static final long UNREADY_POLL_MILLIS = 200;
    /** Well within {@code metadata.max.idle.ms}, after which an idle producer forgets its topics. */
    private static final long READY_POLL_MILLIS = 30_000;

    private final Vertx vertx;
    private final Topics topics;
    private final Map<String, String> settings;
    private final Consumer<Producer<byte[], byte[]>> onCreated;
    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile @Nullable KafkaProducer<byte[], byte[]> client;
    private volatile @Nullable Producer<byte[], byte[]> producer;
    private volatile boolean ready;
    private final AtomicBoolean failing = new AtomicBoolean();
    private final Breaker breaker;
    private String lastProblem = "";

    /**
     * @param settings of Kafka's producer
     * @param patience with a Kafka that acknowledges nothing
     * @param onCreated is given the producer once there is one, for its metrics
     */
    KafkaPublisher(
            Vertx vertx,
            Topics topics,
            Map<String, String> settings,
            Duration patience,
            Consumer<Producer<byte[], byte[]>> onCreated) {
        this.breaker = new Breaker(patience);
        this.vertx = vertx;
        this.topics = topics;
        this.settings = settings;
        this.onCreated = onCreated;
    }

    @Override
    public void start() {
        lookForTopics();
        vertx.setPeriodic(BREAKER_POLL_MILLIS, timer -> watchBreaker());
    }

    /** Whether the metadata of every topic is known and Kafka acknowledges. */
    @Override
    public boolean isReady() {
        return ready && breaker.isClosed();
    }

    @Override
    public @Nullable Refusal outage() {
        return breaker.isClosed() ? null : QUIET;
    }

    @Override
    public Future<Receipt> publish(Event event, long receivedMillis) {
        return publish(event, receivedMillis, vertx.getOrCreateContext());
    }

    /** For a caller that runs on no context. */
    Future<Receipt> publish(Event event, long receivedMillis, Context context) {
        Producer<byte[], byte[]> target = producer;
        if (target == null) {
            return Future.failedFuture(Refusal.of(KAFKA_UNAVAILABLE, "Kafka has not been reached yet.")
                    .asException());
        }
        breaker.sent();
        Delivery delivery = new Delivery(context);
        try {
            var unused = target.send(record(event, receivedMillis), delivery::onCompletion);
        } catch (KafkaException | IllegalStateException e) {
            delivery.onCompletion(null, e);
        }
        return delivery.promise.future();
    }

    private ProducerRecord<byte[], byte[]> record(Event event, long receivedMillis) {
        String key = event.key();
        byte[] keyBytes = key == null ? null : key.getBytes(StandardCharsets.UTF_8);
        return new ProducerRecord<>(topics.of(event.type()), null, receivedMillis, keyBytes, event.value());
    }

    @Override
    public Future<Void> close() {
        closed.set(true);
        KafkaProducer<byte[], byte[]> open = client;
        return open == null ? Future.succeededFuture() : open.close(CLOSE.toMillis());
    }

    private void watchBreaker() {
        if (closed.get() || !breaker.wantsProbe(System.nanoTime())) {
            return;
        }
        vertx.executeBlocking(this::probe).onComplete(probed -> breaker.probed(probed.succeeded()));
    }

    /** Asks Kafka whether each partition has a leader; fails where it does not say so. */
    private boolean probe() throws Exception {
        Map<String, Object> client = new HashMap<>();
        settings.forEach((name, value) -> {
            if (AdminClientConfig.configNames().contains(name)) {
                client.put(name, value);
            }
        });
        client.put("request.timeout.ms", PROBE_TIMEOUT_MILLIS);
        client.put("default.api.timeout.ms", PROBE_TIMEOUT_MILLIS);
        try (Admin admin = Admin.create(client)) {
            boolean led = admin.describeTopics(topics.all()).allTopicNames().get().values().stream()
                    .flatMap(topic -> topic.partitions().stream())
                    .allMatch(partition -> partition.leader() != null);
            if (!led) {
                throw new TimeoutException("a partition has no leader");
            }
            return true;
        }
    }

    private void lookForTopics() {
        if (closed.get()) {
            return;
        }
        vertx.executeBlocking(this::partitions).onComplete(looked -> {
            if (looked.succeeded()) {
                reportReady(looked.result());
            } else {
                reportProblem(looked.cause());
            }
            vertx.setTimer(ready ? READY_POLL_MILLIS : UNREADY_POLL_MILLIS, timer -> lookForTopics());
        });
    }

    private int partitions() {
        Producer<byte[], byte[]> known = producer == null ? create() : producer;
        int partitions = 0;
        for (String topic : topics.all()) {
            partitions += known.partitionsFor(topic).size();
        }
        return partitions;
    }

    /** Fails while the broker's name does not resolve. */
    private Producer<byte[], byte[]> create() {
        KafkaProducer<byte[], byte[]> created = KafkaProducer.createShared(vertx, "sluice", settings);
        Producer<byte[], byte[]> unwrapped = created.unwrap();
        onCreated.accept(unwrapped);
        client = created;
        producer = unwrapped;
        return unwrapped;
    }

    private void reportReady(int partitions) {
        if (!ready) {
            LOG.info("Topics {} have {} partitions: ready", topics.all(), partitions);
        }
        ready = true;
        lastProblem = "";
    }

    private void reportProblem(Throwable cause) {
        String problem = String.valueOf(cause.getMessage());
        if (!ready && !problem.equals(lastProblem)) {
            LOG.warn(
                    "Topics {} not found at {} yet, trying on: {}",
                    topics.all(),
                    settings.get("bootstrap.servers"),
                    problem);
            lastProblem = problem;
        }
    }

    /** One line when deliveries begin to fail, and one when they succeed again. */
    private void reportChange(@Nullable Refusal refusal) {
        if (refusal != null && failing.compareAndSet(false, true)) {
            LOG.warn("Events are not being stored: {} {}", refusal.rejection().meaning(), refusal.detail());
        } else if (refusal == null && failing.get() && failing.compareAndSet(true, false)) {
            LOG.info("Events are being stored again");
        }
    }

    /** One record on its way; completed on the event loop that sent it. */
    private final class Delivery {
        private final Context context;
        private final Promise<Receipt> promise = Promise.promise();
        /** Kafka calls back on it only where {@code send} failed at once. */
        private final Thread sender = Thread.currentThread();

        Delivery(Context context) {
            this.context = context;
        }

        void onCompletion(@Nullable RecordMetadata metadata, @Nullable Exception failure) {
            breaker.done(failure == null);
            Refusal refusal = failure == null ? null : refusal(failure);
            reportChange(refusal);
            if (isSending()) {
                complete(metadata, refusal);
            } else {
                context.runOnContext(ignored -> complete(metadata, refusal));
            }
        }

        private boolean isSending() {
            return Thread.currentThread().equals(sender);
        }

        private void complete(@Nullable RecordMetadata metadata, @Nullable Refusal refusal) {
            if (refusal == null && metadata != null) {
                promise.complete(new Stored(metadata.topic(), metadata.partition(), metadata.offset()));
            } else if (refusal != null) {
                promise.fail(refusal.asException());
            }
        }

        private Refusal refusal(Exception failure) {
            String detail = String.valueOf(failure.getMessage());
            if (failure instanceof BufferExhaustedException) {
                return Refusal.of(OVERLOADED, "Kafka is slower than the events that come in.");
            }
            if (failure instanceof RecordTooLargeException) {
                return Refusal.of(RECORD_TOO_LARGE, detail);
            }
            if (isSending() && (failure instanceof TimeoutException || !(failure instanceof ApiException))) {
                return Refusal.of(KAFKA_UNAVAILABLE, "Kafka has not been reached yet, or is gone: " + detail);
            }
            if (failure instanceof RetriableException || !(failure instanceof ApiException)) {
                return Refusal.of(OUTCOME_UNKNOWN, detail);
            }
            return Refusal.of(KAFKA_REFUSED, detail);
        }
    }
}
