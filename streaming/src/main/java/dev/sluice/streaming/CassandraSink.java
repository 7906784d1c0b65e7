package dev.sluice.streaming;

import com.datastax.oss.driver.api.core.cql.BoundStatement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.spark.api.java.function.VoidFunction2;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes each count that a batch changed as what it is now. The batch is held until the cluster has all of them: a write
 * that is done again changes nothing, and one of an earlier batch that arrives late loses to what is there, since the time
 * of a write is that of its batch. By the plain driver, from the driver of Spark: a batch has some hundreds of counts.
 */
final class CassandraSink implements VoidFunction2<Dataset<Row>, Long>, AutoCloseable {
    private static final long serialVersionUID = 1;
    private static final Logger LOG = LoggerFactory.getLogger(CassandraSink.class);

    /** Counts that are written at once; two writes each. */
    private static final int AT_ONCE = 256;

    private static final Duration PAUSE = Duration.ofMillis(500);

    private final transient CassandraSettings settings;
    private final transient StoreState state;
    private final transient Health health;
    private final long begun;
    private transient @Nullable Cassandra cassandra;

    /** @param begun when the checkpoint was begun, in milliseconds since 1970 UTC: batches are numbered from there */
    CassandraSink(CassandraSettings settings, long begun, StoreState state, Health health) {
        this.settings = settings;
        this.begun = begun;
        this.state = state;
        this.health = health;
    }

    /** Connects; waits for a cluster that is not there. */
    void open() throws InterruptedException {
        long deadline = System.nanoTime() + settings.patience().toNanos();
        while (cassandra == null) {
            try {
                cassandra = Cassandra.connect(settings);
                wrote(0);
            } catch (RuntimeException e) {
                await(deadline, e);
            }
        }
    }

    @Override
    public void call(Dataset<Row> counts, Long batch) throws InterruptedException {
        // greater with each batch; and of a later checkpoint, since no batch takes less than a microsecond
        long written = TimeUnit.MILLISECONDS.toMicros(begun) + batch;
        Iterator<Row> rows = counts.toLocalIterator();
        List<StoredCount> some = new ArrayList<>();
        while (rows.hasNext()) {
            some.add(StoredCount.of(rows.next(), written));
            if (some.size() == AT_ONCE || !rows.hasNext()) {
                write(some);
                some.clear();
            }
        }
    }

    @Override
    public void close() {
        if (cassandra != null) {
            cassandra.close();
        }
    }

    private void write(List<StoredCount> counts) throws InterruptedException {
        long deadline = System.nanoTime() + settings.patience().toNanos();
        open();
        Cassandra open = Objects.requireNonNull(cassandra);
        List<BoundStatement> left =
                counts.stream().flatMap(count -> open.upserts(count).stream()).toList();
        while (true) {
            List<CompletableFuture<?>> writes = left.stream()
                    .<CompletableFuture<?>>map(
                            statement -> open.execute(statement).toCompletableFuture())
                    .toList();
            List<BoundStatement> failed = new ArrayList<>();
            Throwable trouble = null;
            for (int i = 0; i < writes.size(); i++) {
                try {
                    writes.get(i).get();
                } catch (ExecutionException e) {
                    trouble = e.getCause();
                    failed.add(left.get(i));
                }
            }
            if (trouble == null) {
                wrote(counts.size());
                return;
            }
            left = failed;
            await(deadline, trouble);
        }
    }

    private void wrote(int counts) {
        state.wrote(counts);
        health.hasStore();
    }

    private void await(long deadline, Throwable trouble) throws InterruptedException {
        if (trouble instanceof StoreTrouble explained) {
            throw explained;
        }
        if (!Cassandra.isPassing(trouble)) {
            throw new StoreTrouble("Cassandra refuses: " + trouble.getMessage());
        }
        if (System.nanoTime() > deadline) {
            throw new StoreTrouble("Cassandra has taken nothing for " + CassandraSettings.PATIENCE.name() + "="
                    + settings.patience().toSeconds() + "s: " + trouble.getMessage());
        }
        if (!state.isWaiting()) {
            LOG.warn("Cassandra takes no counts; the batch waits until it does: {}", trouble.getMessage());
        }
        state.waiting();
        health.waitsForStore();
        TimeUnit.MILLISECONDS.sleep(PAUSE.toMillis());
    }
}
