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
import com.datastax.oss.driver.api.core.cql.BoundStatementBuilder;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.Row;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import com.datastax.oss.driver.api.core.metadata.schema.KeyspaceMetadata;
import com.datastax.oss.driver.api.core.servererrors.QueryValidationException;
import com.datastax.oss.driver.api.core.ssl.ProgrammaticSslEngineFactory;
import com.datastax.oss.driver.api.core.type.codec.CodecNotFoundException;
import dev.sluice.settings.CassandraAddress;
import java.sql.Date;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;

/** A session with the cluster, whose tables have been looked at. */
final class Cassandra implements AutoCloseable {
    private static final Duration REQUEST = Duration.ofSeconds(5);

    /** For a page of a table that is read whole. */
    private static final Duration SCAN = Duration.ofSeconds(30);

    private static final int AT_ONCE = 256;
    private static final boolean CHECK_HOST = true;

    private final CqlSession session;
    private final CassandraSettings settings;
    private final List<PreparedStatement> upserts;
    private final ConsistencyLevel writeLevel;
    private final ConsistencyLevel readLevel;

    private Cassandra(CqlSession session, CassandraSettings settings) {
        this.session = session;
        this.settings = settings;
        this.upserts = prepare(table -> table.upsert(settings.keyspace()));
        this.writeLevel =
                DefaultConsistencyLevel.valueOf(settings.address().consistency().name());
        this.readLevel = DefaultConsistencyLevel.valueOf(
                settings.address().consistency().ofReads().name());
    }

    /**
     * Connects, and creates what is missing where that is allowed.
     *
     * @throws StoreTrouble where the tables are not those that are written to, or may not be created
     * @throws DriverException where the cluster cannot be reached; see {@link #isPassing}
     */
    static Cassandra connect(CassandraSettings settings) {
        CqlSession session = builder(settings.address()).build();
        try {
            checkDataCenter(session, settings);
            if (settings.create()) {
                create(session, settings);
            }
            check(session, settings);
            return new Cassandra(session, settings);
        } catch (RuntimeException e) {
            session.closeAsync();
            throw e;
        }
    }

    /**
     * Connects at once, or not at all.
     *
     * @throws StoreTrouble where no node answers, too
     */
    static Cassandra connectNow(CassandraSettings settings) {
        try {
            return connect(settings);
        } catch (AllNodesFailedException e) {
            throw new StoreTrouble(
                    "no node answers for the " + settings + " (CASSANDRA_CONTACT_POINTS): " + e.getMessage());
        }
    }

    /** Connects to tables that have been looked at before. */
    static Cassandra connectAgain(CassandraSettings settings) {
        return new Cassandra(builder(settings.address()).build(), settings);
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
            statements.add(count.bind(upsert).setConsistencyLevel(writeLevel).setIdempotent(true));
        }
        return statements;
    }

    /** Each row's count in each of the tables, in the order of {@link CassandraTable#ALL}; empty where there is no row. */
    List<List<OptionalLong>> stored(List<StoredCount> counts) throws InterruptedException, ExecutionException {
        List<PreparedStatement> selects = prepare(table -> table.select(settings.keyspace()));
        List<CompletableFuture<AsyncResultSet>> reads = counts.stream()
                .flatMap(count -> selects.stream().map(count::bindRow))
                .map(select -> session.executeAsync(select.setConsistencyLevel(readLevel))
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
                .setConsistencyLevel(readLevel);
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

    /** Writes the rows into all tables. */
    void write(List<StoredCount> counts) throws InterruptedException, ExecutionException {
        executeAll(counts.stream().flatMap(count -> upserts(count).stream()).iterator());
    }

    /** The rows of a table whose partition is in a part of the ring, as they come; with when they were written. */
    Iterator<Row> rows(CassandraTable table, long after, long upTo) {
        if (!session.getMetadata()
                .getTokenMap()
                .map(tokens -> tokens.getPartitionerName().endsWith("Murmur3Partitioner"))
                .orElse(false)) {
            throw new StoreTrouble("the cluster has no Murmur3Partitioner, and its ring cannot be read in parts");
        }
        SimpleStatement select = SimpleStatement.newInstance(table.scan(settings.keyspace()), after, upTo)
                .setConsistencyLevel(readLevel)
                .setTimeout(SCAN)
                .setIdempotent(true);
        return session.execute(select).iterator();
    }

    /**
     * Deletes partitions, but for what was written to them after.
     *
     * @param partitions the values of their key and, last, microseconds since 1970 UTC
     */
    void delete(CassandraTable table, Iterator<org.apache.spark.sql.Row> partitions)
            throws InterruptedException, ExecutionException {
        PreparedStatement delete = session.prepare(table.deletePartition(settings.keyspace()));
        executeAll(new Iterator<>() {
            @Override
            public boolean hasNext() {
                return partitions.hasNext();
            }

            @Override
            public BoundStatement next() {
                org.apache.spark.sql.Row partition = partitions.next();
                int key = partition.size() - 1;
                // USING TIMESTAMP comes before WHERE
                BoundStatementBuilder bound = delete.boundStatementBuilder().setLong(0, partition.getLong(key));
                for (int i = 0; i < key; i++) {
                    Object value = partition.get(i);
                    bound = value instanceof Timestamp time
                            ? bound.setInstant(i + 1, time.toInstant())
                            : value instanceof Date day
                                    ? bound.setLocalDate(i + 1, day.toLocalDate())
                                    : bound.setString(i + 1, (String) value);
                }
                return bound.setConsistencyLevel(writeLevel)
                        .setIdempotence(true)
                        .build();
            }
        });
    }

    private void executeAll(Iterator<BoundStatement> statements) throws InterruptedException, ExecutionException {
        List<CompletableFuture<?>> running = new ArrayList<>();
        while (statements.hasNext()) {
            running.add(execute(statements.next()).toCompletableFuture());
            if (running.size() == AT_ONCE || !statements.hasNext()) {
                for (CompletableFuture<?> each : running) {
                    each.get();
                }
                running.clear();
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

    /** Does not wait: nothing is under way, and the driver takes two seconds to see that. */
    @Override
    public void close() {
        session.closeAsync();
    }

    private static CqlSessionBuilder builder(CassandraAddress address) {
        CqlSessionBuilder builder = CqlSession.builder()
                .addContactPoints(address.resolvedContactPoints())
                .withLocalDatacenter(address.dataCenter())
                .withApplicationName("sluice-streaming")
                .withConfigLoader(DriverConfigLoader.programmaticBuilder()
                        .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, REQUEST)
                        .withDuration(DefaultDriverOption.CONNECTION_INIT_QUERY_TIMEOUT, REQUEST)
                        .withDuration(DefaultDriverOption.CONTROL_CONNECTION_TIMEOUT, REQUEST)
                        .withDuration(DefaultDriverOption.METADATA_SCHEMA_REQUEST_TIMEOUT, Duration.ofSeconds(20))
                        .withDuration(DefaultDriverOption.RECONNECTION_MAX_DELAY, Duration.ofSeconds(5))
                        .build());
        if (!address.user().isEmpty()) {
            builder.withAuthCredentials(address.user(), address.password());
        }
        try {
            address.sslContext()
                    .ifPresent(tls ->
                            builder.withSslEngineFactory(new ProgrammaticSslEngineFactory(tls, null, CHECK_HOST)));
        } catch (IllegalArgumentException e) {
            throw new StoreTrouble(String.valueOf(e.getMessage()));
        }
        return builder;
    }

    /** A data centre that is not there would be nodes that cannot be reached. */
    private static void checkDataCenter(CqlSession session, CassandraSettings settings) {
        List<String> there = session.getMetadata().getNodes().values().stream()
                .map(node -> String.valueOf(node.getDatacenter()))
                .distinct()
                .sorted()
                .toList();
        if (!there.contains(settings.address().dataCenter())) {
            throw new StoreTrouble("CASSANDRA_DATACENTER=" + settings.address().dataCenter() + ": the cluster has "
                    + String.join(", ", there));
        }
    }

    private static void create(CqlSession session, CassandraSettings settings) {
        session.execute("CREATE KEYSPACE IF NOT EXISTS " + settings.keyspace()
                + " WITH replication = {'class': 'NetworkTopologyStrategy', '"
                + settings.address().dataCenter() + "': "
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
