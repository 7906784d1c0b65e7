package dev.sluice.gateway;

import static java.util.stream.Collectors.joining;

import dev.sluice.settings.Environment;
import dev.sluice.settings.Topics;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigProperties;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigurationException;
import io.opentelemetry.sdk.resources.Resource;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.bridge.SLF4JBridgeHandler;

/**
 * Follows requests to their records, by W3C Trace Context: with spans of its own where there is somewhere to send them,
 * and else by passing on what came. Spans wait in a queue of the SDK's, which is bounded, and are sent by a thread of its
 * own.
 */
final class Tracing implements AutoCloseable {
    static final String PREFIX = "OTEL_";

    private static final String PROTOCOL = "http/protobuf";
    private static final String NONE = "none";

    /** For the last spans; what is not sent by then is lost. */
    private static final Duration LAST_SPANS = Duration.ofSeconds(2);

    private final Topics topics;
    private final @Nullable OpenTelemetrySdk sdk;
    private final @Nullable Tracer tracer;

    /**
     * Begins to wait for spans.
     *
     * @param properties of OpenTelemetry's SDK; empty where spans are sent nowhere
     * @param topics of the records
     */
    Tracing(Optional<Map<String, String>> properties, Topics topics) {
        this.topics = topics;
        this.sdk = properties.map(Tracing::sdk).orElse(null);
        this.tracer = sdk == null ? null : sdk.getTracer("dev.sluice.gateway");
    }

    /** Properties of OpenTelemetry's SDK, from its standard variables; empty where they name nowhere to send spans to. */
    static Optional<Map<String, String>> read(Environment environment) {
        Map<String, String> properties = new HashMap<>();
        environment.properties(PREFIX, Set.of()).forEach((name, value) -> properties.put("otel." + name, value));
        properties.values().removeIf(String::isEmpty);
        if (!isOn(properties)) {
            return Optional.empty();
        }
        for (String name : List.of("otel.exporter.otlp.protocol", "otel.exporter.otlp.traces.protocol")) {
            if (!properties.getOrDefault(name, PROTOCOL).equals(PROTOCOL)) {
                environment.problem(variable(name) + "=" + properties.get(name) + ": must be " + PROTOCOL);
                return Optional.empty();
            }
        }
        try {
            // there is no other way to hear what the SDK finds wrong
            sdk(properties).close();
        } catch (ConfigurationException e) {
            // it does not always say which one; values may be secret
            environment.problem(
                    properties.keySet().stream().map(Tracing::variable).sorted().collect(joining(", "))
                            + ": " + e.getMessage()
                            + (e.getCause() == null ? "" : " (" + e.getCause().getMessage() + ")"));
        }
        return Optional.of(Map.copyOf(properties));
    }

    private static boolean isOn(Map<String, String> properties) {
        return !Boolean.parseBoolean(properties.get("otel.sdk.disabled"))
                && !NONE.equals(properties.get("otel.traces.exporter"))
                && Stream.of(
                                "otel.traces.exporter",
                                "otel.exporter.otlp.endpoint",
                                "otel.exporter.otlp.traces.endpoint")
                        .anyMatch(properties::containsKey);
    }

    private static String variable(String property) {
        return property.toUpperCase(Locale.ROOT).replace('.', '_');
    }

    private static OpenTelemetrySdk sdk(Map<String, String> properties) {
        if (!SLF4JBridgeHandler.isInstalled()) {
            SLF4JBridgeHandler.removeHandlersForRootLogger();
            SLF4JBridgeHandler.install();
        }
        return AutoConfiguredOpenTelemetrySdk.builder()
                .disableShutdownHook()
                .addPropertiesSupplier(() -> properties)
                .addResourceCustomizer((resource, given) -> resource.merge(name(given)))
                .addPropertiesCustomizer(given -> Map.of(
                        "otel.exporter.otlp.protocol", PROTOCOL,
                        // metrics are Prometheus', and logs are written
                        "otel.metrics.exporter", NONE,
                        "otel.logs.exporter", NONE))
                .build()
                .getOpenTelemetrySdk();
    }

    private static Resource name(ConfigProperties given) {
        boolean isNamed = given.getString("otel.service.name") != null
                || given.getMap("otel.resource.attributes").containsKey("service.name");
        return isNamed
                ? Resource.empty()
                : Resource.builder().put("service.name", "sluice-gateway").build();
    }

    RequestTrace begin(HttpServerRequest request) {
        if (tracer != null) {
            return new RequestSpans(tracer, topics, request);
        }
        return request.getHeader(TraceContext.PARENT_HEADER) == null
                ? RequestTrace.Passed.NONE
                : new RequestTrace.Passed(TraceContext.of(TraceContext.extract(request.headers())));
    }

    /** Sends the last spans; blocks for {@link #LAST_SPANS} at most. */
    @Override
    public void close() {
        if (sdk != null) {
            sdk.shutdown().join(LAST_SPANS.toMillis(), TimeUnit.MILLISECONDS);
        }
    }
}
