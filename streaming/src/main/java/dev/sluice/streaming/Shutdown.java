package dev.sluice.streaming;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.util.ShutdownHookManager;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.apache.spark.sql.streaming.StreamingQueryException;

/**
 * Ends the query before Spark ends under it. Spark hangs its own hook, of priority 50 or less, onto Hadoop's manager,
 * which runs hooks one after another, the highest priority first; a plain JVM hook would race it.
 */
final class Shutdown {
    private static final int BEFORE_SPARK = 100;
    private static final int AFTER_SPARK = 1;
    private static final Duration BATCH = Duration.ofSeconds(8);

    private final AtomicInteger status = new AtomicInteger();

    /** From here on the process ends with {@link #exit}'s status, or with 0 where a signal ends it. */
    void install() {
        // a JVM that a signal ends would report 143 for a stop that went well
        ShutdownHookManager.get().addShutdownHook(() -> Runtime.getRuntime().halt(status.get()), AFTER_SPARK);
    }

    /** Lets a running batch end, then stops. */
    void stopBeforeSpark(SparkSession spark, StreamingQuery query) {
        ShutdownHookManager.get().addShutdownHook(() -> stop(spark, query), BEFORE_SPARK);
    }

    void exit(int code) {
        status.set(code);
        System.exit(code);
    }

    private static void stop(SparkSession spark, StreamingQuery query) {
        long deadline = System.nanoTime() + BATCH.toNanos();
        try {
            while (query.status().isTriggerActive() && System.nanoTime() < deadline) {
                if (query.awaitTermination(20)) {
                    break;
                }
            }
            query.stop();
        } catch (StreamingQueryException | java.util.concurrent.TimeoutException e) {
            // ends anyway, and goes on from its checkpoint
            System.err.println("The query was stopped within a batch: " + e.getMessage());
        }
        spark.stop();
    }
}
