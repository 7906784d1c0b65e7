package dev.sluice.gateway;

import static dev.sluice.events.Rejection.KAFKA_REFUSED;
import static dev.sluice.events.Rejection.KAFKA_UNAUTHORIZED;
import static dev.sluice.events.Rejection.KAFKA_UNAVAILABLE;
import static dev.sluice.events.Rejection.OUTCOME_UNKNOWN;
import static dev.sluice.events.Rejection.OVERLOADED;
import static dev.sluice.events.Rejection.RECORD_TOO_LARGE;

import dev.sluice.events.Rejection;
import dev.sluice.settings.Topics;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.kafka.client.producer.KafkaProducer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.BufferExhaustedException;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.errors.RecordTooLargeException;
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
    /** What is not acknowledged by then was answered as such. */
    private static final Duration CLOSE = Duration.ofSeconds(2);

    /** What is wrong with the record itself; all else is for Kafka to get over. */
    static final Set<Rejection> OF_THE_RECORD = EnumSet.of(RECORD_TOO_LARGE, KAFKA_REFUSED);

    private static final long BREAKER_POLL_MILLIS = 500;
    /** At first, when Kafka usually is an answer away; then twice as long each time. */
    private static final long UNREADY_POLL_MILLIS = 20;

    private static final long UNREADY_POLL_MILLIS_AT_MOST = 320;
    /** Whoever gives logins may lock out a client that asks too often. */
    private static final long UNAUTHORIZED_POLL_MILLIS = 5_000;
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
    /** Whether the producer has failed for good, as an idempotent one does when it may not write. */
    private volatile boolean unusable;

    private final AtomicBoolean failing = new AtomicBoolean();
    /** Of each event loop that publishes. */
    private final Map<Context, Acknowledgements> acknowledgements = new ConcurrentHashMap<>();

    private final Breaker breaker;
    private final KafkaProbe probe;
    private String lastProblem = "";
    /** What to say while there is no producer. */
    private volatile Refusal unreached = Refusal.of(KAFKA_UNAVAILABLE, "Kafka has not been reached yet.");

    private long unreadyPollMillis = UNREADY_POLL_MILLIS;

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
        this.probe = new KafkaProbe(topics, settings);
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
        return breaker.outage();
    }

    @Override
    public Future<Receipt> publish(Event event, long receivedMillis, TraceContext trace, Context context) {
        Producer<byte[], byte[]> target = producer;
        if (target == null) {
            return Future.failedFuture(unreached.asException());
        }
        breaker.sent();
        Delivery delivery = new Delivery(acknowledgements.computeIfAbsent(context, Acknowledgements::new));
        try {
            var unused = target.send(record(event, receivedMillis, trace), delivery);
        } catch (KafkaException | IllegalStateException e) {
            delivery.onCompletion(null, e);
        }
        return delivery.promise.future();
    }

    private ProducerRecord<byte[], byte[]> record(Event event, long receivedMillis, TraceContext trace) {
        String key = event.key();
        byte[] keyBytes = key == null ? null : key.getBytes(StandardCharsets.UTF_8);
        return new ProducerRecord<>(
                topics.of(event.type()), null, receivedMillis, keyBytes, event.value(), trace.headers());
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
        vertx.executeBlocking(this::probe)
                .onComplete(probed ->
                        breaker.probed(probed.succeeded() ? probed.result() : KafkaProbe.refusal(probed.cause())));
    }

    /** Where Kafka is well, a producer that will never send again has been replaced on return. */
    private @Nullable Refusal probe() throws InterruptedException {
        Refusal found = probe.ask();
        if (found == null && unusable) {
            LOG.info("Kafka lets the gateway write again: a new producer begins");
            KafkaProducer<byte[], byte[]> old = client;
            if (old != null) {
                // it has nothing under way, and takes no time
                Future<Void> unused = old.close(1);
            }
            create();
            unusable = false;
            partitions();
        }
        return found;
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
            vertx.setTimer(pollMillis(looked.cause()), timer -> lookForTopics());
            unreadyPollMillis = Math.min(UNREADY_POLL_MILLIS_AT_MOST, 2 * unreadyPollMillis);
        });
    }

    private long pollMillis(@Nullable Throwable failure) {
        if (failure != null && KafkaProbe.isUnauthorized(failure)) {
            return UNAUTHORIZED_POLL_MILLIS;
        }
        return ready ? READY_POLL_MILLIS : unreadyPollMillis;
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
        KafkaProducer<byte[], byte[]> created = KafkaProducer.create(vertx, settings);
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
        String problem = KafkaProbe.reason(cause);
        if (KafkaProbe.isUnauthorized(cause)) {
            unreached = KafkaProbe.refusal(cause);
        }
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
    private final class Delivery extends Acknowledgements.Acknowledgement implements Callback {
        private final Acknowledgements acknowledgements;
        private final Promise<Receipt> promise = Promise.promise();
        /** Kafka calls back on it only where {@code send} failed at once. */
        private final Thread sender = Thread.currentThread();
        /** A producer that fails for good throws, and calls back as well. */
        private final AtomicBoolean completed = new AtomicBoolean();

        private @Nullable RecordMetadata metadata;
        private @Nullable Refusal refusal;

        Delivery(Acknowledgements acknowledgements) {
            this.acknowledgements = acknowledgements;
        }

        @Override
        public void onCompletion(@Nullable RecordMetadata metadata, @Nullable Exception failure) {
            if (!completed.compareAndSet(false, true)) {
                return;
            }
            this.metadata = metadata;
            refusal = failure == null ? null : refusal(failure);
            if (failure != null
                    && (isSending() ? isFatal(failure) : failure instanceof ClusterAuthorizationException)) {
                unusable = true;
            }
            boolean ofTheRecord = refusal != null && OF_THE_RECORD.contains(refusal.rejection());
            if (ofTheRecord && isSending()) {
                breaker.notSent();
            } else {
                breaker.done(refusal == null || ofTheRecord);
            }
            reportChange(refusal);
            if (isSending()) {
                arrive();
            } else {
                acknowledgements.add(this);
            }
        }

        private boolean isSending() {
            return Thread.currentThread().equals(sender);
        }

        @Override
        void arrive() {
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
            if (KafkaProbe.isUnauthorized(failure)) {
                return Refusal.of(KAFKA_UNAUTHORIZED, detail);
            }
            if (failure instanceof InvalidRecordException
                    || failure instanceof InvalidTimestampException
                    || failure instanceof PolicyViolationException) {
                return Refusal.of(KAFKA_REFUSED, detail);
            }
            if (isSending()) {
                return Refusal.of(KAFKA_UNAVAILABLE, "Kafka has not been reached yet, or is gone: " + detail);
            }
            // what else Kafka says may be about a record that it has appended, or appended when it was sent before
            return Refusal.of(OUTCOME_UNKNOWN, detail);
        }
    }

    /** Of {@code send}: a state that a producer does not leave, and not the lack of metadata or memory. */
    private static boolean isFatal(Exception failure) {
        return !(failure instanceof ApiException) || KafkaProbe.isUnauthorized(failure);
    }
}
