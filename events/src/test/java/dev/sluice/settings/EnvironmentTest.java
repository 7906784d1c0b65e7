package dev.sluice.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EnvironmentTest {
    private static final Setting<Integer> PORT = Setting.port("A_PORT", "5000", "a port");
    private static final Setting<String> SECRET = Setting.text("A_SECRET", "", "a secret");
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
    void properties_areNamedAsLibrariesDo() {
        assertThat(new Environment(Map.of("P_LINGER_MS", " 1 ", "P_", "2", "Q", "3")).properties("P_", Set.of()))
                .containsExactly(Map.entry("linger.ms", "1"));
    }

    /** Kafka has settings of its own that are the path of a file. */
    @Test
    void properties_valueInAFile_orPathOfTheLibrarysOwn(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("jaas"), "secret\n");
        Environment environment = new Environment(
                Map.of("P_SASL_JAAS_CONFIG_FILE", file.toString(), "P_SASL_OAUTHBEARER_ASSERTION_FILE", "/run/jwt"));
        assertThat(environment.properties("P_", Set.of("sasl.jaas.config", "sasl.oauthbearer.assertion.file")))
                .containsOnly(
                        Map.entry("sasl.jaas.config", "secret"),
                        Map.entry("sasl.oauthbearer.assertion.file", "/run/jwt"));
        assertThatCode(environment::check).doesNotThrowAnyException();
    }

    @Test
    void get_valueInAFile_isWhatItHoldsWithoutTheEndOfItsLine(@TempDir Path folder) throws Exception {
        for (String text : List.of(" a secret ", " a secret \n", " a secret \r\n")) {
            Path file = Files.writeString(folder.resolve("secret"), text);
            Environment environment = new Environment(Map.of("A_SECRET_FILE", file.toString()));
            assertThat(environment.get(SECRET)).isEqualTo(" a secret ");
            assertThat(environment.isSet(SECRET)).isTrue();
            assertThatCode(environment::check).doesNotThrowAnyException();
        }
    }

    @Test
    void check_filesThatCannotBe_areNamedWithAllElse_andNothingOfTheirs(@TempDir Path folder) throws Exception {
        Path port = Files.writeString(folder.resolve("port"), "hush");
        Path empty = Files.writeString(folder.resolve("empty"), "\n");
        Environment environment = new Environment(Map.of(
                "A_PORT_FILE", port.toString(),
                "A_PAUSE_FILE", empty.toString(),
                "A_SECRET_FILE", folder.resolve("none").toString(),
                "A_SECRET", "silence",
                "P_SASL_JAAS_CONFIG_FILE", folder.toString(),
                "P_SSL_KEY_PASSWORD_FILE", port.toString(),
                "P_SSL_KEY_PASSWORD", "quiet"));
        environment.get(PORT);
        environment.get(PAUSE);
        environment.get(SECRET);
        environment.get(SECRET);
        environment.properties("P_", Set.of());
        assertThatThrownBy(environment::check).satisfies(thrown -> assertThat(thrown.getMessage())
                .hasLineCount(6)
                .contains("A_PORT_FILE=" + port + ": what it holds must be a whole number from 1 to 65535")
                .contains("A_PAUSE_FILE=" + empty + ": the file is empty")
                .contains("A_SECRET and A_SECRET_FILE are both set: unset one of them")
                .contains("A_SECRET_FILE=" + folder.resolve("none")
                        + ": no file of text that can be read (NoSuchFileException)")
                .contains("P_SASL_JAAS_CONFIG_FILE=" + folder + ": no file of text that can be read (IOException)")
                .contains("P_SSL_KEY_PASSWORD and P_SSL_KEY_PASSWORD_FILE are both set: unset one of them")
                .doesNotContain("hush", "silence", "quiet"));
    }
}
