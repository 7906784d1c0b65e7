package dev.sluice.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class EnvironmentTest {
    private static final Setting<Integer> PORT = Setting.port("A_PORT", "5000", "a port");
    private static final Setting<Duration> PAUSE = Setting.duration("A_PAUSE", "10s", "a pause");

    @Test
    void get_unsetOrBlank_isTheFallback() {
        assertThat(new Environment(Map.of()).get(PORT)).isEqualTo(5000);
        assertThat(new Environment(Map.of("A_PAUSE", " ")).get(PAUSE)).isEqualTo(Duration.ofSeconds(10));
    }

    @Test
    void check_namesEveryProblemAtOnce() {
        Environment environment = new Environment(Map.of("A_PORT", "70000", "A_PAUSE", "soon", "KAFKA_PORT", "x"));
        environment.get(PORT);
        environment.get(PAUSE);
        KafkaAddress.read(environment);
        assertThatThrownBy(environment::check)
                .isInstanceOf(SettingsException.class)
                .hasMessageContaining("A_PORT=70000: must be a whole number from 1 to 65535")
                .hasMessageContaining("A_PAUSE=soon: must be a duration")
                .hasMessageContaining("KAFKA_PORT=x");
    }

    @Property
    void port_takesWhatIsOneAndRefusesTheRest(@ForAll int number) {
        Environment environment = new Environment(Map.of("A_PORT", Integer.toString(number)));
        int port = environment.get(PORT);
        if (number >= 1 && number <= 65_535) {
            assertThat(port).isEqualTo(number);
            assertThatCode(environment::check).doesNotThrowAnyException();
        } else {
            assertThatThrownBy(environment::check).hasMessageContaining("A_PORT=" + number);
        }
    }

    @Property
    void duration_neverThrowsPastTheReader(@ForAll String text) {
        assertThat(new Environment(Map.of("A_PAUSE", text)).get(PAUSE)).isPositive();
    }

    @Test
    void kafkaAddress_asInThePrototype_orSeveral() {
        assertThat(KafkaAddress.read(new Environment(Map.of()))).isEqualTo("localhost:9092");
        assertThat(KafkaAddress.read(new Environment(Map.of("KAFKA_HOST", "k", "KAFKA_PORT", "1"))))
                .isEqualTo("k:1");
        assertThat(KafkaAddress.read(new Environment(Map.of("KAFKA_HOST", "k", "KAFKA_BOOTSTRAP_SERVERS", "a:1, b:2"))))
                .isEqualTo("a:1,b:2");
        assertThat(KafkaAddress.read(new Environment(Map.of("KAFKA_BOOTSTRAP_SERVERS", "[::1]:9092"))))
                .isEqualTo("[::1]:9092");
    }

    @Test
    void kafkaAddress_withoutPort_isRefused() {
        Environment environment = new Environment(Map.of("KAFKA_BOOTSTRAP_SERVERS", "a,b:2"));
        KafkaAddress.read(environment);
        assertThatThrownBy(environment::check).hasMessageContaining("host:port");
    }

    @Test
    void kafkaClient_namesSettingsAsKafkaDoes() {
        assertThat(new Environment(Map.of("P_LINGER_MS", " 1 ", "P_", "2", "Q", "3")).kafkaClient("P_"))
                .containsExactly(Map.entry("linger.ms", "1"));
    }
}
