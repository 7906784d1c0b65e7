package dev.sluice.gateway;

import io.prometheus.metrics.tracer.common.SpanContext;
import org.jspecify.annotations.Nullable;

/** Which trace a measurement is of, for the thread that measures; OpenMetrics shows some of them beside the buckets of a histogram. */
final class Exemplars implements SpanContext {
    private final ThreadLocal<io.opentelemetry.api.trace.SpanContext> current =
            ThreadLocal.withInitial(io.opentelemetry.api.trace.SpanContext::getInvalid);

    /** Measures something of that span. */
    void within(io.opentelemetry.api.trace.SpanContext span, Runnable measurement) {
        if (!span.isSampled()) {
            measurement.run();
            return;
        }
        current.set(span);
        try {
            measurement.run();
        } finally {
            current.remove();
        }
    }

    @Override
    public @Nullable String getCurrentTraceId() {
        return current.get().isValid() ? current.get().getTraceId() : null;
    }

    @Override
    public @Nullable String getCurrentSpanId() {
        return current.get().isValid() ? current.get().getSpanId() : null;
    }

    @Override
    public boolean isCurrentSpanSampled() {
        return current.get().isSampled();
    }

    @Override
    public void markCurrentSpanAsExemplar() {
        // whether it is kept was decided when it began
    }
}
