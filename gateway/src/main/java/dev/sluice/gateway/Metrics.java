package dev.sluice.gateway;

import dev.sluice.events.Rejection;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.kafka.KafkaClientMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.clients.producer.Producer;

/** What the gateway counts. Each request to the event path moves exactly one of the outcome counters. */
final class Metrics implements AutoCloseable {
    private static final String OUTCOMES = "sluice.requests";

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final JvmGcMetrics gc = new JvmGcMetrics();
    private final Counter accepted = outcome("accepted");
    private final Map<Rejection, Counter> refused = new EnumMap<>(Rejection.class);
    private final LongAdder inFlight = new LongAdder();

    Metrics() {
        for (Rejection rejection : Rejection.values()) {
            refused.put(rejection, outcome(rejection.code()));
        }
        registry.gauge("sluice.requests.in.flight", inFlight);
        gc.bindTo(registry);
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
    }

    void begin() {
        inFlight.increment();
    }

    void end() {
        inFlight.decrement();
    }

    void accepted() {
        accepted.increment();
    }

    void refused(Rejection rejection) {
        Counter counter = refused.get(rejection);
        if (counter != null) {
            counter.increment();
        }
    }

    void watch(Producer<?, ?> producer) {
        new KafkaClientMetrics(producer).bindTo(registry);
    }

    /** Prometheus text; takes milliseconds, so not for an event loop. */
    String scrape() {
        return registry.scrape();
    }

    @Override
    public void close() {
        gc.close();
        registry.close();
    }

    private Counter outcome(String outcome) {
        return Counter.builder(OUTCOMES)
                .description("Requests answered, by outcome")
                .tag("outcome", outcome)
                .register(registry);
    }
}
