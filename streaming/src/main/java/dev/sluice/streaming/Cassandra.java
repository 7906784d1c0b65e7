package dev.sluice.streaming;

import com.datastax.oss.driver.api.core.AllNodesFailedException;
import com.datastax.oss.driver.api.core.ConsistencyLevel;
import com.datastax.oss.driver.api.core.CqlIdentifier;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.CqlSessionBuilder;
import com.datastax.oss.driver.api.core.DefaultConsistencyLevel;
import com.datastax.oss.driver.api.core.DriverException;
import com.datastax.oss.driver.api.core.auth.AuthenticationException;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.cql.BoundStatement;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.metadata.schema.KeyspaceMetadata;
import com.datastax.oss.driver.api.core.servererrors.QueryValidationException;
import com.datastax.oss.driver.api.core.type.codec.CodecNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** A session with the cluster, whose tables have been looked at. */
final class Cassandra implements AutoCloseable {
    private static final Duration REQUEST = Duration.ofSeconds(5);

    private final CqlSession session;
    private final List<PreparedStatement> upserts;
    private final ConsistencyLevel consistency;

    private Cassandra(CqlSession session, List<PreparedStatement> upserts, ConsistencyLevel consistency) {
        this.session = session;
        this.upserts = upserts;
        this.consistency = consistency;
    }

    /**
     * Connects, and creates what is missing where that is allowed.
     *
     * @throws StoreTrouble where the tables are not those that are written to, or may not be created
     * @throws DriverException where the cluster cannot be reached; see {@link #isPassing}
     */
    static Cassandra connect(CassandraSettings settings) {
        CqlSession session = builder(settings).build();
        try {
            checkDataCenter(session, settings);
            if (settings.create()) {
                create(session, settings);
            }
            check(session, settings);
            return new Cassandra(
                    session,
                    CassandraTable.ALL.stream()
                            .map(table -> session.prepare(table.upsert(settings.keyspace())))
                            .toList(),
                    DefaultConsistencyLevel.valueOf(settings.consistency()));
        } catch (RuntimeException e) {
            session.close();
            throw e;
        }
    }

    /** Whether the same write may succeed later: nobody answered, or too few replicas did. */
    static boolean isPassing(Throwable trouble) {
        if (trouble instanceof AllNodesFailedException all) {
            return all.getAllErrors().values().stream().flatMap(List::stream).allMatch(Cassandra::isPassing);
        }
        return !(trouble instanceof QueryValidationException)
                && !(trouble instanceof AuthenticationException)
                && !(trouble instanceof CodecNotFoundException)
                && !(trouble instanceof StoreTrouble)
                && !(trouble instanceof IllegalArgumentException);
    }

    /** A count into each of the tables. */
    List<BoundStatement> upserts(StoredCount count) {
        List<BoundStatement> statements = new ArrayList<>();
        for (PreparedStatement upsert : upserts) {
            statements.add(count.bind(upsert).setConsistencyLevel(consistency).setIdempotent(true));
        }
        return statements;
    }

    CompletionStage<?> execute(BoundStatement statement) {
        return session.executeAsync(statement);
    }

    @Override
    public void close() {
        session.close();
    }

    private static CqlSessionBuilder builder(CassandraSettings settings) {
        CqlSessionBuilder builder = CqlSession.builder()
                .addContactPoints(settings.contactPoints().stream()
                        .map(point -> new InetSocketAddress(point.getHostString(), point.getPort()))
                        .toList())
                .withLocalDatacenter(settings.dataCenter())
                .withApplicationName("sluice-streaming")
                .withConfigLoader(DriverConfigLoader.programmaticBuilder()
                        .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, REQUEST)
                        .withDuration(DefaultDriverOption.CONNECTION_INIT_QUERY_TIMEOUT, REQUEST)
                        .withDuration(DefaultDriverOption.CONTROL_CONNECTION_TIMEOUT, REQUEST)
                        .withDuration(DefaultDriverOption.METADATA_SCHEMA_REQUEST_TIMEOUT, Duration.ofSeconds(20))
                        .withDuration(DefaultDriverOption.RECONNECTION_MAX_DELAY, Duration.ofSeconds(5))
                        .build());
        if (!settings.user().isEmpty()) {
            builder.withAuthCredentials(settings.user(), settings.password());
        }
        settings.certificates().ifPresent(file -> builder.withSslContext(sslContext(file)));
        return builder;
    }

    private static SSLContext sslContext(Path certificates) {
        try (InputStream in = Files.newInputStream(certificates)) {
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
            return context;
        } catch (IOException | GeneralSecurityException e) {
            throw new StoreTrouble("CASSANDRA_CA=" + certificates + ": no PEM file of certificates: " + e.getMessage());
        }
    }

    /** A data centre that is not there would be nodes that cannot be reached. */
    private static void checkDataCenter(CqlSession session, CassandraSettings settings) {
        List<String> there = session.getMetadata().getNodes().values().stream()
                .map(node -> String.valueOf(node.getDatacenter()))
                .distinct()
                .sorted()
                .toList();
        if (!there.contains(settings.dataCenter())) {
            throw new StoreTrouble(
                    "CASSANDRA_DATACENTER=" + settings.dataCenter() + ": the cluster has " + String.join(", ", there));
        }
    }

    private static void create(CqlSession session, CassandraSettings settings) {
        session.execute("CREATE KEYSPACE IF NOT EXISTS " + settings.keyspace()
                + " WITH replication = {'class': 'NetworkTopologyStrategy', '" + settings.dataCenter() + "': "
                + settings.replicas() + "}");
        for (CassandraTable table : CassandraTable.ALL) {
            session.execute(table.create(settings.keyspace()));
        }
        session.checkSchemaAgreement();
    }

    private static void check(CqlSession session, CassandraSettings settings) {
        KeyspaceMetadata keyspace = session.refreshSchema()
                .getKeyspace(CqlIdentifier.fromInternal(settings.keyspace()))
                .orElse(null);
        if (keyspace == null) {
            throw new StoreTrouble(
                    "CASSANDRA_KEYSPACE=" + settings.keyspace() + ": there is no such keyspace. " + advice());
        }
        List<String> wrong = new ArrayList<>();
        for (CassandraTable table : CassandraTable.ALL) {
            keyspace.getTable(CqlIdentifier.fromInternal(table.name()))
                    .ifPresentOrElse(
                            there -> table.differences(there)
                                    .forEach(difference -> wrong.add(table.name() + ": " + difference)),
                            () -> wrong.add(table.name() + ": there is no such table. " + advice()));
        }
        if (!wrong.isEmpty()) {
            throw new StoreTrouble("CASSANDRA_KEYSPACE=" + settings.keyspace()
                    + ": the tables are not those that counts go to. " + String.join("; ", wrong));
        }
    }

    private static String advice() {
        return "Set CASSANDRA_CREATE=1, or apply the files under"
                + " streaming/src/main/resources/dev/sluice/streaming/cassandra";
    }
}
