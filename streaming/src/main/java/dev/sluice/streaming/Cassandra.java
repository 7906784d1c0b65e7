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
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.BoundStatement;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.Row;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import com.datastax.oss.driver.api.core.metadata.schema.KeyspaceMetadata;
import com.datastax.oss.driver.api.core.servererrors.QueryValidationException;
import com.datastax.oss.driver.api.core.ssl.ProgrammaticSslEngineFactory;
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
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** A session with the cluster, whose tables have been looked at. */
final class Cassandra implements AutoCloseable {
    private static final Duration REQUEST = Duration.ofSeconds(5);

    private static final int AT_ONCE = 256;
    private static final boolean CHECK_HOST = true;

    private final CqlSession session;
    private final CassandraSettings settings;
    private final List<PreparedStatement> upserts;
    private final ConsistencyLevel consistency;

    private Cassandra(CqlSession session, CassandraSettings settings) {
        this.session = session;
        this.settings = settings;
        this.upserts = prepare(table -> table.upsert(settings.keyspace()));
        this.consistency = DefaultConsistencyLevel.valueOf(settings.consistency());
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
            return new Cassandra(session, settings);
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

    /** Each row's count in each of the tables, in the order of {@link CassandraTable#ALL}; empty where there is no row. */
    List<List<OptionalLong>> stored(List<StoredCount> counts) throws InterruptedException, ExecutionException {
        List<PreparedStatement> selects = prepare(table -> table.select(settings.keyspace()));
        List<CompletableFuture<AsyncResultSet>> reads = counts.stream()
                .flatMap(count -> selects.stream().map(count::bindRow))
                .map(select -> session.executeAsync(select.setConsistencyLevel(consistency))
                        .toCompletableFuture())
                .toList();
        List<List<OptionalLong>> stored = new ArrayList<>();
        for (int i = 0; i < reads.size(); i += selects.size()) {
            List<OptionalLong> tables = new ArrayList<>();
            for (CompletableFuture<AsyncResultSet> read : reads.subList(i, i + selects.size())) {
                Row row = read.get().one();
                tables.add(row == null ? OptionalLong.empty() : OptionalLong.of(row.getLong(Counts.COUNT)));
            }
            stored.add(tables);
        }
        return stored;
    }

    /** All rows of a window. */
    List<StoredCount> window(Instant start, Instant end, long written) {
        List<StoredCount> counts = new ArrayList<>();
        SimpleStatement select = SimpleStatement.newInstance(
                        "SELECT event_type, outcome, count FROM " + settings.keyspace()
                                + ".counts_by_window WHERE window_start = ? AND window_end = ?",
                        start,
                        end)
                .setConsistencyLevel(consistency);
        for (Row row : session.execute(select)) {
            counts.add(new StoredCount(
                    start,
                    end,
                    Objects.requireNonNull(row.getString(Counts.EVENT_TYPE)),
                    Objects.requireNonNull(row.getString(Counts.OUTCOME)),
                    row.getLong(Counts.COUNT),
                    Map.of(),
                    written));
        }
        return counts;
    }

    /** Writes the rows into all tables, and takes others out of them. */
    void repair(List<StoredCount> wrong, List<StoredCount> surplus) throws InterruptedException, ExecutionException {
        List<PreparedStatement> deletes = prepare(table -> table.delete(settings.keyspace()));
        List<BoundStatement> statements = new ArrayList<>();
        wrong.forEach(count -> statements.addAll(upserts(count)));
        surplus.forEach(count ->
                deletes.forEach(delete -> statements.add(count.bindRow(delete).setConsistencyLevel(consistency))));
        for (int i = 0; i < statements.size(); i += AT_ONCE) {
            List<CompletableFuture<?>> writes = new ArrayList<>();
            for (BoundStatement statement : statements.subList(i, Math.min(statements.size(), i + AT_ONCE))) {
                writes.add(execute(statement).toCompletableFuture());
            }
            for (CompletableFuture<?> write : writes) {
                write.get();
            }
        }
    }

    private List<PreparedStatement> prepare(Function<CassandraTable, String> statement) {
        return CassandraTable.ALL.stream()
                .map(table -> session.prepare(statement.apply(table)))
                .toList();
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
        settings.certificates()
                .ifPresent(file -> builder.withSslEngineFactory(
                        new ProgrammaticSslEngineFactory(sslContext(file), null, CHECK_HOST)));
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
