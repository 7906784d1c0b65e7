package dev.sluice.gateway;

import dev.sluice.events.Rejection;
import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.kafka.KafkaClientMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.opentelemetry.api.trace.SpanContext;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.vertx.core.AsyncResult;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.Producer;
import org.jspecify.annotations.Nullable;

/** What the gateway counts. Each request moves exactly one counter of requests, each event exactly one of events. */
final class Metrics implements AutoCloseable {
    /** What Prometheus has always read. */
    static final String TEXT = "text/plain; version=0.0.4; charset=utf-8";

    /** With exemplars. */
    static final String OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /** Of a histogram that tells a gateway that waits for a broker nearby from one that waits longer, up to the end of patience. */
    private static final Duration[] BUCKETS = Stream.of(
                    2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000)
            .map(Duration::ofMillis)
            .toArray(Duration[]::new);

    private final Exemplars exemplars = new Exemplars();
    private final PrometheusMeterRegistry registry = registry(exemplars);
    private @Nullable KafkaClientMetrics kafka;
    private final JvmGcMetrics gc = new JvmGcMetrics();
    private final Counter accepted = request("accepted");
    private final Counter partly = request("partly");
    private final Map<Rejection, Counter> refused = new EnumMap<>(Rejection.class);
    private final Counter received = Counter.builder("sluice.events.received")
            .description("Events of requests that could be read")
            .register(registry);
    private final Meter.MeterProvider<Counter> senderRequests = Counter.builder("sluice.sender.requests")
            .description("Requests of those who are known, by outcome")
            .withRegistry(registry);
    private final Meter.MeterProvider<Counter> senderEvents = Counter.builder("sluice.sender.events")
            .description("Events taken of those who are known")
            .withRegistry(registry);
    private final Counter storedEvents = event("stored");
    private final Counter spooledEvents = event("spooled");
    private final Map<Rejection, Counter> refusedEvents = new EnumMap<>(Rejection.class);
    private final LongAdder inFlight = new LongAdder();
    private final Timer duration = Timer.builder("sluice.request.duration")
            .description("Time from a request's head to its answer, of those that were let in")
            .serviceLevelObjectives(BUCKETS)
            .register(registry);
    private final Timer late = Timer.builder("sluice.event.loop.lag")
            .description("How late event loops come to a timer")
            .register(registry);

    Metrics() {
        for (Rejection rejection : Rejection.values()) {
            refused.put(rejection, request(rejection.code()));
            refusedEvents.put(rejection, event(rejection.code()));
        }
        gauge("sluice.requests.in.flight", "Requests that were not answered yet", inFlight, LongAdder::sum);
        gc.bindTo(registry);
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
    }

    private static PrometheusMeterRegistry registry(Exemplars exemplars) {
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(
                PrometheusConfig.DEFAULT, new PrometheusRegistry(), Clock.SYSTEM, exemplars);
        registry.config().meterFilter(MeterFilter.deny(Metrics::hasOddName));
        return registry;
    }

    void begin() {
        inFlight.increment();
    }

    /** @param span of the request; invalid where there is none */
    void end(long nanos, SpanContext span) {
        inFlight.decrement();
        exemplars.within(span, () -> duration.record(nanos, TimeUnit.NANOSECONDS));
    }

    /** An event loop comes that much later to a timer than it was to. */
    void late(long nanos) {
        late.record(nanos, TimeUnit.NANOSECONDS);
    }

    /** A request of which each event was taken. */
    void accepted() {
        accepted.increment();
    }

    /** A request of which some events were taken, and some not. */
    void partly() {
        partly.increment();
    }

    /** A request of which nothing was taken. */
    void refused(Rejection rejection) {
        increment(refused.get(rejection));
    }

    /** An event that a request was found to hold; ends as {@link #stored}, {@link #spooled} or {@link #rejected}. */
    void received() {
        received.increment();
    }

    void stored() {
        storedEvents.increment();
    }

    void spooled() {
        spooledEvents.increment();
    }

    void rejected(Rejection rejection) {
        increment(refusedEvents.get(rejection));
    }

    /** A request of one who is known. */
    void sent(Sender sender, AsyncResult<Results> outcome) {
        if (sender.equals(Sender.ANYONE)) {
            return;
        }
        String name;
        if (outcome.failed()) {
            boolean throttled = outcome.cause() instanceof RefusedException refused
                    && refused.refusal().rejection() == Rejection.QUOTA_EXCEEDED;
            name = throttled ? Rejection.QUOTA_EXCEEDED.code() : "refused";
        } else {
            Results results = outcome.result();
            name = results.accepted() == 0 ? "refused" : results.rejected().isEmpty() ? "accepted" : "partly";
        }
        senderRequests.withTags("sender", sender.label(), "outcome", name).increment();
        if (outcome.succeeded()) {
            senderEvents
                    .withTag("sender", sender.label())
                    .increment(outcome.result().accepted());
        }
    }

    void watch(Budget budget) {
        gauge("sluice.in.flight.bytes", "What requests hold of the budget", budget, Budget::used);
        gauge("sluice.in.flight.limit.bytes", "The budget: MAX_IN_FLIGHT_BYTES", budget, Budget::limit);
    }

    void watch(CountsStream stream) {
        gauge("sluice.counts.readers", "Readers of the stream of counts", stream, CountsStream::readers);
    }

    void watch(Loggers log) {
        count(
                "sluice.log.lines.dropped",
                "Lines of the log that were not written, for it was slower than they came",
                log,
                Loggers::dropped);
    }

    void watch(SpoolingPublisher spool) {
        gauge("sluice.spool.events", "Events that the spool holds", spool, SpoolingPublisher::held);
        gauge("sluice.spool.bytes", "Disk that the spool takes", spool, SpoolingPublisher::bytes);
        count("sluice.spool.replayed", "Events that went from the spool to Kafka", spool, SpoolingPublisher::replayed);
        count("sluice.spool.refused", "Events of the spool that Kafka never takes", spool, SpoolingPublisher::refused);
        count("sluice.spool.missing", "Events that the spool lost to damage", spool, SpoolingPublisher::missing);
    }

    private <T> void gauge(String name, String meaning, T of, ToDoubleFunction<T> value) {
        Gauge.builder(name, of, value).description(meaning).register(registry);
    }

    /** Nanoseconds and milliseconds, and numbers named as a histogram's: what promtool finds fault with, and nobody needs. */
    private static boolean hasOddName(Meter.Id id) {
        String name = id.getName();
        return name.contains(".ns.")
                || name.endsWith(".ms")
                || name.endsWith(".count")
                || "ns".equals(id.getBaseUnit());
    }

    private <T> void count(String name, String meaning, T of, ToDoubleFunction<T> value) {
        FunctionCounter.builder(name, of, value).description(meaning).register(registry);
    }

    /** In place of the one that was watched before. */
    synchronized void watch(Producer<?, ?> producer) {
        if (kafka != null) {
            kafka.close();
        }
        kafka = new KafkaClientMetrics(producer);
        kafka.bindTo(registry);
    }

    /**
     * All of them; takes milliseconds, so not for an event loop.
     *
     * @param type {@link #TEXT} or {@link #OPEN_METRICS}
     */
    String scrape(String type) {
        return registry.scrape(type);
    }

    @Override
    public synchronized void close() {
        if (kafka != null) {
            kafka.close();
        }
        gc.close();
        registry.close();
    }

    private static void increment(@Nullable Counter counter) {
        if (counter != null) {
            counter.increment();
        }
    }

    private Counter request(String outcome) {
        return Counter.builder("sluice.requests")
                .description("Requests answered, by outcome")
                .tag("outcome", outcome)
                .register(registry);
    }

    private Counter event(String outcome) {
        return Counter.builder("sluice.events")
                .description("Events of requests that could be read, by outcome")
                .tag("outcome", outcome)
                .register(registry);
    }
}
