package dev.sluice.streaming;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.events.Certificate;
import dev.sluice.events.RealCassandra;
import dev.sluice.settings.CassandraAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a real Cassandra that wants TLS and credentials. */
class CassandraSecurityTest {
    private static final String OPTIONS = """
            authenticator: PasswordAuthenticator
            client_encryption_options:
              enabled: true
              optional: false
              keystore: %s
              keystore_password: %s
            """;

    @TempDir
    static Path folder;

    private static RealCassandra cassandra;
    private static Certificate certificate;
    private static Certificate another;

    @BeforeAll
    static void start() throws Exception {
        certificate = Certificate.create(folder, "node");
        another = Certificate.create(folder, "another");
        cassandra = RealCassandra.start(
                folder.resolve("cassandra"), OPTIONS.formatted(certificate.store(), Certificate.PASSWORD));
    }

    @AfterAll
    static void stop() {
        cassandra.close();
    }

    @Test
    void connect_itsCertificateAndCredentials_isLetIn() {
        try (Cassandra open = Cassandra.connect(settings("cassandra", certificate))) {
            assertThat(open).isNotNull();
        }
    }

    @Test
    void connect_wrongPassword_endsAtOnce() throws Exception {
        try (CassandraSink sink = sink(settings("guess", certificate))) {
            assertThatThrownBy(sink::open)
                    .isInstanceOf(StoreTrouble.class)
                    .hasMessageContaining("Cassandra refuses")
                    .hasMessageContaining("username");
        }
    }

    @Test
    void connect_certificateOfAnother_isRefused() {
        assertThatThrownBy(() -> Cassandra.connect(settings("cassandra", another)))
                .hasStackTraceContaining("PKIX path");
    }

    private static CassandraSink sink(CassandraSettings settings) {
        return new CassandraSink(
                settings, 0, new StoreState(System::nanoTime), new Health(Duration.ofMinutes(1), System::nanoTime));
    }

    private static CassandraSettings settings(String password, Certificate trusted) {
        return new CassandraSettings(
                new CassandraAddress(
                        List.of(InetSocketAddress.createUnresolved("localhost", cassandra.port())),
                        "datacenter1",
                        "secured",
                        CassandraAddress.Consistency.LOCAL_QUORUM,
                        "cassandra",
                        password,
                        trusted.pem().toString()),
                true,
                1,
                Duration.ofMinutes(1));
    }
}
