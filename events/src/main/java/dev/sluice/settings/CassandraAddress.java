package dev.sluice.settings;

import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * Where Cassandra keeps the counts.
 *
 * @param contactPoints nodes that are asked first; the rest of the cluster is found by them
 * @param dataCenter whose nodes coordinate what is written and read
 * @param consistency of writes
 * @param user empty where no credentials are sent
 * @param certificates PEM file of those that the nodes' are signed by, with TLS; empty without
 */
public record CassandraAddress(
        List<InetSocketAddress> contactPoints,
        String dataCenter,
        String keyspace,
        Consistency consistency,
        String user,
        String password,
        String certificates)
        implements Serializable {

    private static final Pattern ADDRESS = Pattern.compile("(\\[[0-9a-fA-F:]+]|[^:,\\s]+):(\\d{1,5})");
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_]{0,47}");

    public static final Setting<List<InetSocketAddress>> CONTACT_POINTS = new Setting<>(
            "CASSANDRA_CONTACT_POINTS",
            "localhost:9042",
            "nodes of Cassandra that are asked first, as `host:port,host:port`",
            "host:port, or several with commas between them",
            text -> List.of(text.split(",")).stream()
                    .map(String::strip)
                    .map(CassandraAddress::address)
                    .toList());

    public static final Setting<String> DATACENTER = Setting.text(
            "CASSANDRA_DATACENTER",
            "datacenter1",
            "data centre whose nodes take the writes, and pass them to the others");
    public static final Setting<String> KEYSPACE = new Setting<>(
            "CASSANDRA_KEYSPACE",
            "sluice",
            "keyspace of the tables",
            "a name of lower-case letters, digits and _, 48 at most",
            text -> matching(NAME, text));
    public static final Setting<Consistency> CONSISTENCY = Setting.choice(
            Consistency.class,
            "CASSANDRA_CONSISTENCY",
            Consistency.LOCAL_QUORUM,
            "how many replicas have to have a count before it is written");
    public static final Setting<String> USERNAME =
            Setting.text("CASSANDRA_USERNAME", "", "user that writes; with `CASSANDRA_PASSWORD`");
    public static final Setting<String> PASSWORD = Setting.text("CASSANDRA_PASSWORD", "", "its password");
    public static final Setting<String> CA = Setting.text(
            "CASSANDRA_CA",
            "",
            "PEM file of the certificates that the nodes' own are signed by; with it, connections are over TLS");

    public static final List<Setting<?>> SETTINGS =
            List.of(CONTACT_POINTS, DATACENTER, KEYSPACE, CONSISTENCY, USERNAME, PASSWORD, CA);

    /** Levels at which a count that was written is not lost with one node; ONE for a cluster that is one. */
    public enum Consistency {
        ONE,
        LOCAL_ONE,
        QUORUM,
        LOCAL_QUORUM,
        EACH_QUORUM,
        ALL;

        /** Of a read that is to see each write at this level. */
        public Consistency ofReads() {
            return switch (this) {
                case ONE, LOCAL_ONE -> ALL;
                case EACH_QUORUM -> LOCAL_QUORUM;
                case QUORUM, LOCAL_QUORUM, ALL -> this;
            };
        }
    }

    /** What is wrong is noted in {@code environment}. */
    public static CassandraAddress collect(Environment environment) {
        String user = environment.get(USERNAME);
        String password = environment.get(PASSWORD);
        if (user.isEmpty() != password.isEmpty()) {
            environment.problem("CASSANDRA_USERNAME and CASSANDRA_PASSWORD: one is set without the other");
        }
        String certificates = environment.get(CA);
        if (!certificates.isEmpty() && !Files.isReadable(Path.of(certificates))) {
            environment.problem("CASSANDRA_CA=" + certificates + ": there is no such file, or it cannot be read");
        }
        return new CassandraAddress(
                environment.get(CONTACT_POINTS),
                environment.get(DATACENTER),
                environment.get(KEYSPACE),
                environment.get(CONSISTENCY),
                user,
                password,
                certificates);
    }

    /**
     * Trusts the certificates alone; nothing where connections are not over TLS.
     *
     * @throws IllegalArgumentException where the file holds none
     */
    public Optional<SSLContext> sslContext() {
        if (certificates.isEmpty()) {
            return Optional.empty();
        }
        try (InputStream in = Files.newInputStream(Path.of(certificates))) {
            KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
            trusted.load(null, null);
            int number = 0;
            for (Certificate certificate :
                    CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                trusted.setCertificateEntry("ca-" + number++, certificate);
            }
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(trusted);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return Optional.of(context);
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalArgumentException(
                    "CASSANDRA_CA=" + certificates + ": no PEM file of certificates: " + e.getMessage(), e);
        }
    }

    /** Asks for the addresses of the names, which takes time. */
    public List<InetSocketAddress> resolvedContactPoints() {
        return contactPoints.stream()
                .map(point -> new InetSocketAddress(point.getHostString(), point.getPort()))
                .toList();
    }

    /** Without the password. */
    @Override
    public String toString() {
        return "keyspace " + keyspace + " of Cassandra at "
                + contactPoints.stream()
                        .map(point -> point.getHostString() + ":" + point.getPort())
                        .collect(Collectors.joining(", "));
    }

    private static InetSocketAddress address(String text) {
        Matcher parts = ADDRESS.matcher(text);
        if (!parts.matches() || Integer.parseInt(parts.group(2)) > 65_535) {
            throw new IllegalArgumentException(text);
        }
        return InetSocketAddress.createUnresolved(parts.group(1), Integer.parseInt(parts.group(2)));
    }

    private static String matching(Pattern pattern, String text) {
        if (!pattern.matcher(text).matches()) {
            throw new IllegalArgumentException(text);
        }
        return text;
    }
}
