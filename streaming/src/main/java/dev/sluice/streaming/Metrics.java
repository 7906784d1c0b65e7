package dev.sluice.streaming;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Instant;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import org.apache.kafka.common.TopicPartition;
import org.apache.spark.sql.streaming.StateOperatorProgress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the query counts of itself. Each record that was read moves exactly one counter of rows, or the log says so. */
final class Metrics {
    private static final Logger LOG = LoggerFactory.getLogger(Metrics.class);

    private final PrometheusMeterRegistry registry = registry();
    private final Map<Outcome, Counter> rows = new EnumMap<>(Outcome.class);
    private final Counter read = counter("sluice.records.read", "Records read from Kafka");
    private final Counter dropped =
            counter("sluice.rows.dropped", "Rows that Spark dropped behind its watermark: none");
    private final Counter batches = counter("sluice.batches", "Batches that were counted");
    private final Lag lag = new Lag();
    private final Set<TopicPartition> lagging = new HashSet<>();
    private final Map<String, StateOperatorProgress> state = new ConcurrentHashMap<>();
    private volatile long watermark;
    private long lastBatch = -1;
    private long lastBatchMillis;

    @SuppressWarnings("resource") // the process has one of each until it ends
    Metrics() {
        for (Outcome outcome : Outcome.values()) {
            rows.put(
                    outcome,
                    Counter.builder("sluice.rows")
                            .description("Records read, by outcome")
                            .tag("outcome", outcome.code())
                            .register(registry));
        }
        gauge("sluice.rows.unaccounted", "Records read that have no outcome: none", Tags.empty(), Metrics::unaccounted);
        gauge("sluice.watermark.age.seconds", "Age of the watermark", Tags.empty(), Metrics::watermarkAge);
        new JvmGcMetrics().bindTo(registry);
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
    }

    private static PrometheusMeterRegistry registry() {
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        // promtool finds fault with their names
        registry.config()
                .meterFilter(MeterFilter.deny(id -> id.getName().endsWith(".count") || "ns".equals(id.getBaseUnit())));
        return registry;
    }

    /** Notes what a batch did. */
    synchronized void count(Progress batch) {
        batches.increment();
        read.increment((double) batch.records());
        batch.outcomes().forEach(this::count);
        dropped.increment((double) batch.dropped());
        long counted =
                batch.outcomes().values().stream().mapToLong(Long::longValue).sum();
        if (counted != batch.records()) {
            LOG.error("Batch {}: {} records read, but {} have an outcome", batch.batch(), batch.records(), counted);
        }
        if (batch.dropped() > 0) {
            LOG.error("Batch {}: Spark dropped {} rows behind its watermark", batch.batch(), batch.dropped());
        }
        batch.phases().forEach((phase, millis) -> timer(phase).record(millis, TimeUnit.MILLISECONDS));
        batch.state().forEach(this::keep);
        lastBatch = batch.batch();
        lastBatchMillis = batch.phases().getOrDefault("triggerExecution", 0L);
        look(batch.look());
    }

    /** @param closed no later batch changes windows that ended by then */
    synchronized Status status(Optional<Instant> closed) {
        Map<Outcome, Long> outcomes = new EnumMap<>(Outcome.class);
        rows.forEach((outcome, counter) -> outcomes.put(outcome, (long) counter.count()));
        OptionalLong complete = lag.completeUntil();
        return new Status(
                lastBatch,
                lastBatchMillis,
                closed,
                complete.isPresent() ? Optional.of(Instant.ofEpochMilli(complete.getAsLong())) : Optional.empty(),
                lag.records(),
                (long) read.count(),
                outcomes);
    }

    /** Notes how far the query is, with or without a batch. */
    synchronized void look(Progress.Look look) {
        watermark = look.end().watermark();
        lag.look(look.latest(), look.end().offsets(), look.receipts(), look.millis());
        for (TopicPartition partition : lag.partitions()) {
            if (lagging.add(partition)) {
                Tags tags = Tags.of("topic", partition.topic(), "partition", Integer.toString(partition.partition()));
                gauge("sluice.lag.records", "Records left to read", tags, metrics -> metrics.lag.records(partition));
                gauge(
                        "sluice.lag.seconds",
                        "How old what is left to read is at most",
                        tags,
                        metrics -> metrics.lag.seconds(partition, System.currentTimeMillis()));
            }
        }
    }

    /** Shows what becomes of the counts in a store. */
    @SuppressWarnings("resource") // the process has one of each until it ends
    void watch(StoreState store) {
        Gauge.builder("sluice.store.waiting.seconds", store, StoreState::waitingSeconds)
                .description("How long a batch has been held because the store takes nothing")
                .register(registry);
        FunctionCounter.builder("sluice.store.rows", store, StoreState::rows)
                .description("Counts that the store has taken")
                .register(registry);
        FunctionCounter.builder("sluice.store.failures", store, StoreState::failures)
                .description("Attempts after which a batch was held")
                .register(registry);
    }

    /** Prometheus text. */
    String scrape() {
        return registry.scrape();
    }

    private double unaccounted() {
        return read.count() - rows.values().stream().mapToDouble(Counter::count).sum();
    }

    private double watermarkAge() {
        return watermark == 0 ? Double.NaN : (System.currentTimeMillis() - watermark) / 1e3;
    }

    private void count(Outcome outcome, long records) {
        Counter counter = rows.get(outcome);
        if (counter != null) {
            counter.increment((double) records);
        }
    }

    private void keep(String operator, StateOperatorProgress progress) {
        if (state.put(operator, progress) == null) {
            Tags tags = Tags.of("operator", operator);
            gauge("sluice.state.rows", "Rows of state", tags, metrics -> metrics.state(operator)
                    .numRowsTotal());
            gauge("sluice.state.bytes", "Memory of state", tags, metrics -> metrics.state(operator)
                    .memoryUsedBytes());
        }
    }

    private StateOperatorProgress state(String operator) {
        return java.util.Objects.requireNonNull(state.get(operator));
    }

    private Timer timer(String phase) {
        return Timer.builder("sluice.batch.duration")
                .description("Time that batches took, by phase")
                .tag("phase", phase)
                .register(registry);
    }

    private Counter counter(String name, String meaning) {
        return Counter.builder(name).description(meaning).register(registry);
    }

    private void gauge(String name, String meaning, Tags tags, ToDoubleFunction<Metrics> value) {
        Gauge.builder(name, this, value).description(meaning).tags(tags).register(registry);
    }
}
