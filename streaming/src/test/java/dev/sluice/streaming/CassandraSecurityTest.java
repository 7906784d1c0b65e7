package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.events.RealCassandra;
import dev.sluice.settings.CassandraAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a real Cassandra that wants TLS and credentials. */
class CassandraSecurityTest {
    private static final String PASSWORD = "changeit";
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
    private static Path certificate;
    private static Path another;

    @BeforeAll
    static void start() throws Exception {
        certificate = certificate("node");
        another = certificate("another");
        cassandra = RealCassandra.start(
                folder.resolve("cassandra"), OPTIONS.formatted(folder.resolve("node.p12"), PASSWORD));
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

    private static CassandraSettings settings(String password, Path certificates) {
        return new CassandraSettings(
                new CassandraAddress(
                        List.of(InetSocketAddress.createUnresolved("localhost", cassandra.port())),
                        "datacenter1",
                        "secured",
                        CassandraAddress.Consistency.LOCAL_QUORUM,
                        "cassandra",
                        password,
                        certificates.toString()),
                true,
                1,
                Duration.ofMinutes(1));
    }

    /** A key for localhost, in a store of that name, and its certificate. */
    private static Path certificate(String name) throws Exception {
        Path store = folder.resolve(name + ".p12");
        Path file = folder.resolve(name + ".pem");
        keytool(
                "-genkeypair",
                "-alias",
                name,
                "-keyalg",
                "RSA",
                "-dname",
                "CN=localhost",
                "-ext",
                "san=dns:localhost",
                "-storetype",
                "PKCS12",
                "-keystore",
                store.toString(),
                "-storepass",
                PASSWORD);
        keytool(
                "-exportcert",
                "-rfc",
                "-alias",
                name,
                "-keystore",
                store.toString(),
                "-storepass",
                PASSWORD,
                "-file",
                file.toString());
        return file;
    }

    private static void keytool(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString()));
        command.addAll(List.of(arguments));
        Process keytool = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(keytool.getInputStream().readAllBytes(), UTF_8);
        assertThat(keytool.waitFor()).as(said).isZero();
    }
}
