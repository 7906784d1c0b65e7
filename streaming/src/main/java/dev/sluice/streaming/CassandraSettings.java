package dev.sluice.streaming;

import dev.sluice.settings.Environment;
import dev.sluice.settings.Setting;
import java.io.Serializable;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * How Cassandra is reached, and what is done there.
 *
 * @param contactPoints nodes that are asked first; the rest of the cluster is found by them
 * @param dataCenter whose nodes coordinate the writes
 * @param consistency of writes
 * @param user empty where no credentials are sent
 * @param certificates PEM file of those that the nodes' are signed by, with TLS; empty without
 * @param create whether keyspace and tables that are missing may be created
 * @param replicas in the data centre, of a keyspace that is created
 * @param patience how long a batch waits for a cluster that does not take it
 */
record CassandraSettings(
        List<InetSocketAddress> contactPoints,
        String dataCenter,
        String keyspace,
        Consistency consistency,
        String user,
        String password,
        String certificates,
        boolean create,
        int replicas,
        Duration patience)
        implements Serializable {

    private static final Pattern ADDRESS = Pattern.compile("(\\[[0-9a-fA-F:]+]|[^:,\\s]+):(\\d{1,5})");
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_]{0,47}");

    static final Setting<List<InetSocketAddress>> CONTACT_POINTS = new Setting<>(
            "CASSANDRA_CONTACT_POINTS",
            "localhost:9042",
            "nodes of Cassandra that are asked first, as `host:port,host:port`",
            "host:port, or several with commas between them",
            text -> List.of(text.split(",")).stream()
                    .map(String::strip)
                    .map(CassandraSettings::address)
                    .toList());

    static final Setting<String> DATACENTER = Setting.text(
            "CASSANDRA_DATACENTER",
            "datacenter1",
            "data centre whose nodes take the writes, and pass them to the others");
    static final Setting<String> KEYSPACE = new Setting<>(
            "CASSANDRA_KEYSPACE",
            "sluice",
            "keyspace of the tables",
            "a name of lower-case letters, digits and _, 48 at most",
            text -> matching(NAME, text));
    static final Setting<Consistency> CONSISTENCY = Setting.choice(
            Consistency.class,
            "CASSANDRA_CONSISTENCY",
            Consistency.LOCAL_QUORUM,
            "how many replicas have to have a count before it is written");
    static final Setting<String> USERNAME =
            Setting.text("CASSANDRA_USERNAME", "", "user that writes; with `CASSANDRA_PASSWORD`");
    static final Setting<String> PASSWORD = Setting.text("CASSANDRA_PASSWORD", "", "its password");
    static final Setting<String> CA = Setting.text(
            "CASSANDRA_CA",
            "",
            "PEM file of the certificates that the nodes' own are signed by; with it, connections are over TLS");
    static final Setting<Integer> CREATE = Setting.integer(
            "CASSANDRA_CREATE", "0", "`1` creates the keyspace and the tables where they are missing", 0, 1);
    static final Setting<Integer> REPLICAS = Setting.integer(
            "CASSANDRA_REPLICAS", "3", "copies of each row in the data centre, of a keyspace that is created", 1, 100);
    static final Setting<Duration> PATIENCE = Setting.duration(
            "STORE_PATIENCE",
            "10m",
            "how long a batch waits for a store that takes nothing, before streaming ends with status 1");

    static final List<Setting<?>> ALL = List.of(
            CONTACT_POINTS, DATACENTER, KEYSPACE, CONSISTENCY, USERNAME, PASSWORD, CA, CREATE, REPLICAS, PATIENCE);

    /** Levels at which a count that was written is not lost with one node; ONE for a cluster that is one. */
    enum Consistency {
        ONE,
        LOCAL_ONE,
        QUORUM,
        LOCAL_QUORUM,
        EACH_QUORUM,
        ALL;

        /** Of a read that is to see each write at this level. */
        Consistency ofReads() {
            return switch (this) {
                case ONE, LOCAL_ONE -> ALL;
                case EACH_QUORUM -> LOCAL_QUORUM;
                case QUORUM, LOCAL_QUORUM, ALL -> this;
            };
        }
    }

    /** What is wrong is noted in {@code environment}. */
    static CassandraSettings collect(Environment environment) {
        String user = environment.get(USERNAME);
        String password = environment.get(PASSWORD);
        if (user.isEmpty() != password.isEmpty()) {
            environment.problem("CASSANDRA_USERNAME and CASSANDRA_PASSWORD: one is set without the other");
        }
        String certificates = environment.get(CA);
        if (!certificates.isEmpty() && !Files.isReadable(Path.of(certificates))) {
            environment.problem("CASSANDRA_CA=" + certificates + ": there is no such file, or it cannot be read");
        }
        return new CassandraSettings(
                environment.get(CONTACT_POINTS),
                environment.get(DATACENTER),
                environment.get(KEYSPACE),
                environment.get(CONSISTENCY),
                user,
                password,
                certificates,
                environment.get(CREATE) == 1,
                environment.get(REPLICAS),
                environment.get(PATIENCE));
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
        // resolved by the driver, which asks again where an address has changed
        return InetSocketAddress.createUnresolved(parts.group(1), Integer.parseInt(parts.group(2)));
    }

    private static String matching(Pattern pattern, String text) {
        if (!pattern.matcher(text).matches()) {
            throw new IllegalArgumentException(text);
        }
        return text;
    }
}
