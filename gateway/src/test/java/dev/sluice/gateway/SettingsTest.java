package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.events.Readme;
import dev.sluice.settings.Environment;
import dev.sluice.settings.SettingsException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SettingsTest {
    @Test
    void readme_listsEverySettingAndItsDefault() {
        assertThat(Stream.concat(Readme.rows("Both").stream(), Readme.rows("Gateway").stream()))
                .containsExactlyInAnyOrderElementsOf(
                        Settings.ALL.stream().map(Readme::row).toList());
    }

    @Test
    void read_nothingSet_isThePrototypesPlace() {
        Settings settings = Settings.read(new Environment(Map.of()));
        assertThat(settings.httpPort()).isEqualTo(5000);
        assertThat(settings.topics().all()).containsExactly("events");
        assertThat(settings.managementHost()).isEqualTo("127.0.0.1");
        assertThat(settings.producer())
                .containsEntry("bootstrap.servers", "localhost:9092")
                .containsEntry("acks", "all")
                .containsEntry("enable.idempotence", "true")
                .containsEntry("max.block.ms", "0");
    }

    @Test
    void read_nobodyKnown_listensToTheSameMachineAlone() {
        assertThat(host(Map.of())).isEqualTo("127.0.0.1");
        assertThat(host(Map.of("HTTP_HOST", "::1"))).isEqualTo("::1");
        assertThat(host(Map.of("AUTH", "none"))).isEqualTo("0.0.0.0");
        assertThat(host(Map.of("AUTH", "none", "HTTP_HOST", "10.0.0.1"))).isEqualTo("10.0.0.1");
        assertThat(host(Map.of("API_KEYS_FILE", "keys.json"))).isEqualTo("0.0.0.0");
        assertThatThrownBy(() -> host(Map.of("HTTP_HOST", "0.0.0.0")))
                .hasMessageContaining("HTTP_HOST=0.0.0.0: whoever reaches it could send events");
        assertThatThrownBy(() -> host(Map.of("HTTP_HOST", "127.0.0.1.example.com")))
                .hasMessageContaining("whoever reaches it could send events");
        assertThatThrownBy(() -> host(Map.of("AUTH", "none", "API_KEYS_FILE", "keys.json")))
                .hasMessageContaining("AUTH=none: senders are to be known by API_KEYS_FILE");
    }

    private static String host(Map<String, String> variables) {
        return Settings.read(new Environment(variables)).httpHost();
    }

    @Test
    void read_halfOfWhatSendersAreKnownBy_isAProblem() {
        assertThatThrownBy(() -> host(Map.of("JWT_KEYS", "http://issuer.example/keys")))
                .hasMessageContaining("JWT_KEYS, JWT_ISSUER and JWT_AUDIENCE go together")
                .hasMessageContaining("JWT_KEYS=http://issuer.example/keys: must be https");
        assertThatThrownBy(() -> host(Map.of("TLS_CLIENT_CA", "/none")))
                .hasMessageContaining("TLS_CLIENT_CA=/none: no file that can be read")
                .hasMessageContaining("TLS_CLIENT_CA=/none: needs TLS_CERT and TLS_KEY");
    }

    @Test
    void read_producerVariable_passesThrough() {
        Settings settings = Settings.read(
                new Environment(Map.of("KAFKA_PRODUCER_LINGER_MS", "17", "KAFKA_PRODUCER_COMPRESSION_TYPE", "zstd")));
        assertThat(settings.producer()).containsEntry("linger.ms", "17").containsEntry("compression.type", "zstd");
    }

    @Test
    void read_settingsThatWouldBreakAPromise_areRefusedTogether() {
        Environment environment = new Environment(Map.of(
                "KAFKA_PRODUCER_ACKS", "1",
                "KAFKA_PRODUCER_MAX_BLOCK_MS", "60000",
                "HTTP_PORT", "5001",
                "MAX_EVENT_BYTES", "lots"));
        assertThatThrownBy(() -> Settings.read(environment))
                .isInstanceOf(SettingsException.class)
                .hasMessageContaining("acks is always all")
                .hasMessageContaining("max.block.ms is always 0")
                .hasMessageContaining("HTTP_PORT and MANAGEMENT_PORT are both 5001")
                .hasMessageContaining("MAX_EVENT_BYTES=lots");
    }

    @Test
    void read_nowhereToSendSpans_isNoTracing() {
        assertThat(Settings.read(new Environment(Map.of("OTEL_SERVICE_NAME", "a", "OTEL_EXPORTER_OTLP_ENDPOINT", "")))
                        .tracing())
                .isEmpty();
        String endpoint = "http://localhost:4318";
        for (Map<String, String> off : List.of(
                Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, "OTEL_SDK_DISABLED", "true"),
                Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, "OTEL_TRACES_EXPORTER", "none"))) {
            assertThat(Settings.read(new Environment(off)).tracing()).isEmpty();
        }
        for (Map<String, String> on : List.of(
                Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, "OTEL_METRICS_EXPORTER", "otlp"),
                Map.of("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint),
                Map.of("OTEL_TRACES_EXPORTER", "otlp"))) {
            assertThat(Settings.read(new Environment(on)).tracing()).isPresent();
        }
    }

    @Test
    void read_tracingThatCannotWork_isAProblemWithTheOthers() {
        Map<String, String> faults = Map.of(
                "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc",
                "OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318",
                "OTEL_TRACES_SAMPLER", "sometimes",
                "OTEL_BSP_SCHEDULE_DELAY", "soon",
                "OTEL_TRACES_EXPORTER", "pigeon");
        Map<String, String> messages = Map.of(
                "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc: must be http/protobuf",
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                        "OTEL_EXPORTER_OTLP_ENDPOINT: OTLP endpoint must be a valid URL: collector:4318",
                "OTEL_TRACES_SAMPLER",
                        "OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER: Unrecognized value for otel.traces.sampler: sometimes",
                "OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_SCHEDULE_DELAY, OTEL_EXPORTER_OTLP_ENDPOINT: ",
                "OTEL_TRACES_EXPORTER",
                        "OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER: Unrecognized value for otel.traces.exporter: pigeon");
        faults.forEach((name, value) -> {
            Map<String, String> variables = new HashMap<>(Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318"));
            variables.putAll(Map.of(name, value, "MAX_EVENT_BYTES", "lots"));
            assertThatThrownBy(() -> Settings.read(new Environment(variables)))
                    .isInstanceOf(SettingsException.class)
                    .hasMessageContaining("MAX_EVENT_BYTES=lots")
                    .hasMessageContaining(messages.get(name));
        });
    }

    @Test
    void read_budgetThatCannotWork_isAProblem() {
        assertThatThrownBy(() -> Settings.read(new Environment(
                        Map.of("MAX_IN_FLIGHT_BYTES", "70000", "KAFKA_PRODUCER_BUFFER_MEMORY", "66000"))))
                .hasMessageContaining("must be 15733760 at least")
                .hasMessageContaining("must be below 66000");
    }

    @Test
    void read_valueThatKafkaRefuses_isAProblem() {
        Environment environment = new Environment(Map.of("KAFKA_PRODUCER_LINGER_MS", "soon"));
        assertThatThrownBy(() -> Settings.read(environment)).hasMessageContaining("linger.ms");
    }
}
