package dev.sluice.streaming;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.events.CountRecord;
import dev.sluice.events.Readme;
import dev.sluice.settings.CassandraAddress;
import dev.sluice.settings.Environment;
import dev.sluice.settings.SettingsException;
import dev.sluice.settings.Topics;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SettingsTest {
    @Test
    void readme_listsEverySettingAndItsDefault() {
        assertThat(Stream.concat(Readme.rows("Both").stream(), Readme.rows("Streaming").stream()))
                .containsExactlyInAnyOrderElementsOf(
                        Settings.ALL.stream().map(Readme::row).toList());
    }

    @Test
    void read_nothingSet_isTheDefaults() {
        assertThat(read(Map.of()))
                .isEqualTo(new Settings(
                        new Topics("events", List.of()),
                        Map.of(
                                "bootstrap.servers",
                                "localhost:9092",
                                "max.poll.records",
                                "100000",
                                "receive.buffer.bytes",
                                "1048576",
                                "fetch.max.wait.ms",
                                "5"),
                        Duration.ofMinutes(1),
                        Duration.ofMinutes(1),
                        Duration.ofMinutes(10),
                        Duration.ofMinutes(1),
                        Aggregates.NONE,
                        Duration.ofSeconds(1),
                        Settings.Offsets.EARLIEST,
                        2,
                        ".sluice/checkpoint",
                        Optional.empty(),
                        true,
                        Optional.empty(),
                        Optional.empty(),
                        "sluice-streaming",
                        "127.0.0.1",
                        5002));
    }

    @Test
    void read_everythingSet_isTaken() {
        Settings settings = read(Map.of(
                "EVENTS_TOPIC", "clicks",
                "TOPIC_ROUTES", "purchase.*=purchases, login=logins",
                "KAFKA_BOOTSTRAP_SERVERS", "kafka:9093",
                "KAFKA_CONSUMER_SECURITY_PROTOCOL", "SSL",
                "WINDOW", "5s",
                "LATENESS", "1h",
                "SKEW", "250ms",
                "TRIGGER", "10s",
                "STARTING_OFFSETS", "latest",
                "PARTITIONS", "8"));
        assertThat(settings.topics().all()).containsExactly("clicks", "purchases", "logins");
        assertThat(settings.consumer())
                .containsEntry("bootstrap.servers", "kafka:9093")
                .containsEntry("security.protocol", "SSL");
        assertThat(settings.window()).isEqualTo(Duration.ofSeconds(5));
        assertThat(settings.lateness()).isEqualTo(Duration.ofHours(1));
        assertThat(settings.skew()).isEqualTo(Duration.ofMillis(250));
        assertThat(settings.trigger()).isEqualTo(Duration.ofSeconds(10));
        assertThat(settings.startingOffsets()).isEqualTo(Settings.Offsets.LATEST);
        assertThat(settings.partitions()).isEqualTo(8);
    }

    @Test
    void read_severalFaults_namesThemAll() {
        assertThatThrownBy(() -> read(Map.of("WINDOW", "0s", "TRIGGER", "5", "STARTING_OFFSETS", "middle")))
                .isInstanceOf(SettingsException.class)
                .hasMessageContaining("WINDOW=0s")
                .hasMessageContaining("TRIGGER=5")
                .hasMessageContaining("STARTING_OFFSETS=middle: must be earliest or latest");
    }

    @Test
    void read_deadLettersAmongTheTopicsRead_isAProblem() {
        assertThat(read(Map.of("DEAD_LETTER_TOPIC", "dead")).awaited()).containsExactly("events", "dead");
        assertThatThrownBy(() -> read(Map.of("DEAD_LETTER_TOPIC", "logins", "TOPIC_ROUTES", "login=logins")))
                .hasMessageContaining("DEAD_LETTER_TOPIC=logins: must be none of the topics of events");
        assertThatThrownBy(() -> read(Map.of("DEAD_LETTER_TOPIC", "no topic")))
                .hasMessageContaining("DEAD_LETTER_TOPIC=no topic: must be a topic's name");
    }

    @Test
    void read_cassandra_isTaken() {
        CassandraSettings cassandra = read(Map.of(
                        "SINKS", "cassandra",
                        "CASSANDRA_CONTACT_POINTS", "a:9042, [::1]:9043",
                        "CASSANDRA_DATACENTER", "berlin",
                        "CASSANDRA_KEYSPACE", "counts",
                        "CASSANDRA_CONSISTENCY", "each_quorum",
                        "CASSANDRA_USERNAME", "writer",
                        "CASSANDRA_PASSWORD", "secret",
                        "CASSANDRA_CREATE", "1",
                        "STORE_PATIENCE", "1h"))
                .cassandra()
                .orElseThrow();
        assertThat(cassandra.address().contactPoints())
                .extracting(point -> point.getHostString() + " " + point.getPort())
                .containsExactly("a 9042", "[::1] 9043");
        assertThat(cassandra.address().dataCenter()).isEqualTo("berlin");
        assertThat(cassandra.keyspace()).isEqualTo("counts");
        assertThat(cassandra.address().consistency()).isEqualTo(CassandraAddress.Consistency.EACH_QUORUM);
        assertThat(cassandra.create()).isTrue();
        assertThat(cassandra.patience()).isEqualTo(Duration.ofHours(1));
        assertThat(cassandra.toString()).doesNotContain("secret");
        assertThat(read(Map.of("SINKS", "cassandra")).console()).isFalse();
        assertThat(read(Map.of("SINKS", "console, cassandra")).console()).isTrue();
    }

    @Test
    void names_areThoseOfTheContract() {
        assertThat(Stream.of(Outcome.values()).map(Outcome::code)).containsExactlyElementsOf(CountRecord.EACH_OUTCOME);
        CassandraTable.ALL.forEach(table -> assertThat(table.columns().keySet()).containsAll(CountRecord.AGGREGATES));
    }

    @Test
    void read_faultsOfCassandra_areAllNamed() {
        assertThatThrownBy(() -> read(Map.of("SINKS", "console,mongo")))
                .hasMessageContaining("SINKS=console,mongo: must be console, kafka, cassandra, or several");
        assertThatThrownBy(() -> read(Map.of(
                        "SINKS", "cassandra",
                        "CASSANDRA_CONTACT_POINTS", "a",
                        "CASSANDRA_KEYSPACE", "My Space",
                        "CASSANDRA_USERNAME", "writer",
                        "CASSANDRA_CA", "/nowhere.pem")))
                .hasMessageContaining("CASSANDRA_CONTACT_POINTS=a: must be host:port")
                .hasMessageContaining("CASSANDRA_KEYSPACE=My Space")
                .hasMessageContaining("one is set without the other")
                .hasMessageContaining("CASSANDRA_CA=/nowhere.pem: there is no such file");
    }

    @Test
    void hints_prototypesZooKeeper_nameWhatReplacedIt() {
        assertThat(Settings.hints(new Environment(Map.of()))).isEmpty();
        assertThat(Settings.hints(new Environment(Map.of("ZOOKEEPER_PORT", "2181"))))
                .singleElement()
                .asString()
                .contains("KAFKA_HOST");
    }

    private static Settings read(Map<String, String> variables) {
        return Settings.read(new Environment(variables));
    }
}
