package dev.sluice.streaming;

import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.apache.hadoop.util.ShutdownHookManager;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.apache.spark.sql.streaming.StreamingQueryException;
import org.apache.spark.sql.streaming.StreamingQueryProgress;
import org.jspecify.annotations.Nullable;

/**
 * Ends the query before Spark ends under it. Spark hangs its own hook, of priority 50 or less, onto Hadoop's manager,
 * which runs hooks one after another, the highest priority first; a plain JVM hook would race it.
 */
final class Shutdown {
    private static final int BEFORE_SPARK = 100;
    private static final int AFTER_SPARK = 1;
    /** With {@link Session#STOP_MILLIS}, and what Spark itself takes, less than ten seconds. */
    private static final Duration BATCH = Duration.ofSeconds(7);

    private volatile @Nullable SparkSession spark;
    private volatile @Nullable StreamingQuery query;
    private boolean underWay;
    private @Nullable String failure;

    /** From here on the process ends with status 0 where a signal ends it, and with 1 where {@link #fail} does. */
    void install() {
        ShutdownHookManager.get().addShutdownHook(this::stop, BEFORE_SPARK);
        // a JVM that a signal ends would report 143 for a stop that went well
        ShutdownHookManager.get().addShutdownHook(this::halt, AFTER_SPARK);
    }

    /** What a signal stops from now on. */
    void watch(SparkSession spark, StreamingQuery query) {
        this.spark = spark;
        this.query = query;
    }

    /** Ends the process; {@code cause} is the last that it says. Where it is ending already, that is how it ends. */
    void fail(String cause) {
        synchronized (this) {
            if (!underWay) {
                failure = cause;
            }
        }
        System.exit(1);
    }

    private void stop() {
        synchronized (this) {
            underWay = true;
        }
        StreamingQuery running = query;
        if (running != null) {
            stop(running);
        }
        SparkSession session = spark;
        if (session != null) {
            session.stop();
        }
    }

    private synchronized void halt() {
        if (failure != null) {
            System.err.println(failure);
            System.err.flush();
        }
        Runtime.getRuntime().halt(failure == null ? 0 : 1);
    }

    /** Lets a running batch end. */
    private static void stop(StreamingQuery query) {
        long deadline = System.nanoTime() + BATCH.toNanos();
        StreamingQueryProgress before = query.lastProgress();
        try {
            // behind a backlog the next batch begins at once, and is cut off: it is done again after a start
            while (query.isActive()
                    && query.status().isTriggerActive()
                    && query.lastProgress() == before
                    && System.nanoTime() < deadline) {
                if (query.awaitTermination(20)) {
                    break;
                }
            }
            query.stop();
        } catch (StreamingQueryException | TimeoutException e) {
            // ends anyway, and goes on from its checkpoint
            System.err.println("The query was stopped within a batch: " + KafkaTrouble.reason(e));
        }
    }
}
