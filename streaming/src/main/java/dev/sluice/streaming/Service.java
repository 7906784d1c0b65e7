package dev.sluice.streaming;

import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.apache.spark.sql.streaming.StreamingQueryException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the query running. One whose Kafka is away goes on by itself between batches; within one its tasks give up after
 * two minutes, and then it is started again where its checkpoint ends. Any other failure is the caller's.
 */
final class Service {
    private static final Logger LOG = LoggerFactory.getLogger(Service.class);
    private static final Duration SHORTEST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

    private final Settings settings;
    private final Sinks sinks;
    private final AwaitedTopics topics;
    private final SparkSession spark;
    private final Health health;
    private final Shutdown shutdown;
    private boolean warm;
    private boolean said;

    Service(
            Settings settings,
            Sinks sinks,
            AwaitedTopics topics,
            SparkSession spark,
            Health health,
            Shutdown shutdown) {
        this.settings = settings;
        this.sinks = sinks;
        this.topics = topics;
        this.spark = spark;
        this.health = health;
        this.shutdown = shutdown;
    }

    /** Returns when the query was stopped. */
    void run() throws Exception {
        Duration pause = SHORTEST_PAUSE;
        while (true) {
            long start = System.nanoTime();
            try {
                count();
                return;
            } catch (Exception e) { // Scala's are not declared
                if (!KafkaTrouble.isPassing(e)) {
                    throw e;
                }
                health.waiting();
                if (System.nanoTime() - start > LONGEST_PAUSE.toNanos()) {
                    pause = SHORTEST_PAUSE;
                }
                LOG.warn(
                        "Kafka was away for too long; the query is started again in {} s: {}",
                        pause.toSeconds(),
                        KafkaTrouble.reason(e));
            }
            TimeUnit.MILLISECONDS.sleep(pause.toMillis());
            pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
            topics.await(LOG::warn);
        }
    }

    private void count() throws Exception {
        if (!warm) {
            Counting.warmUp(spark, settings, new ConsoleSink(new PrintStream(OutputStream.nullOutputStream())));
            warm = true;
        }
        health.started();
        StreamingQuery query = Counting.start(spark, settings, sinks);
        shutdown.watch(spark, query);
        if (awaitFirstTrigger(query)) {
            health.counting();
            if (!said) {
                System.out.println(banner());
                said = true;
            }
        }
        query.awaitTermination();
    }

    /** Whether there was one. */
    private static boolean awaitFirstTrigger(StreamingQuery query) throws StreamingQueryException {
        while (query.lastProgress() == null && !query.status().message().startsWith("Waiting for")) {
            if (query.awaitTermination(50)) {
                return false;
            }
        }
        return true;
    }

    private String banner() {
        return "Counting topics " + String.join(", ", settings.topics().all()) + " at "
                + settings.consumer().get("bootstrap.servers") + " in windows of "
                + settings.window().toString().substring(2).toLowerCase(Locale.ROOT);
    }
}
