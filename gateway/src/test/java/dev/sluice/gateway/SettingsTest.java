package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.events.Readme;
import dev.sluice.settings.Environment;
import dev.sluice.settings.SettingsException;
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
