package dev.sluice.streaming;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import org.apache.spark.api.java.function.VoidFunction2;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.OutputMode;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.apache.spark.sql.streaming.Trigger;

/** The query: reads the topic, counts, writes what changed. */
final class Counting {
    /** Of the query, to tell it from that which warms up. */
    static final String NAME = "counts";

    private Counting() {}

    /**
     * Starts the query where its checkpoint ends.
     *
     * @param sink is given each batch's changed counts; the same batch once more after a crash, with the same counts
     */
    static StreamingQuery start(SparkSession spark, Settings settings, VoidFunction2<Dataset<Row>, Long> sink)
            throws TimeoutException {
        return counts(settings, deadLetters(settings))
                .of(read(spark, settings))
                .writeStream()
                .queryName(NAME)
                .outputMode(OutputMode.Update())
                .option("checkpointLocation", settings.checkpoint())
                .trigger(Trigger.ProcessingTime(settings.trigger().toMillis()))
                .foreachBatch(sink)
                .start();
    }

    /**
     * Counts a record of a stream that nobody sees: the first batch would otherwise wait for thousands of classes to
     * load.
     */
    static void warmUp(SparkSession spark, Settings settings, VoidFunction2<Dataset<Row>, Long> sink) throws Exception {
        Dataset<Row> records = spark.readStream()
                .format("rate-micro-batch")
                .option("rowsPerBatch", 1)
                .load()
                .selectExpr(
                        "cast('{\"event_type\":\"a\"}' as binary) as value",
                        "timestamp",
                        "0 as partition",
                        "value as offset");
        // what is counted here is counted again, and would be a dead letter twice
        counts(settings, DeadLetters.NONE)
                .of(records)
                .writeStream()
                .format("noop")
                .outputMode(OutputMode.Update())
                .trigger(Trigger.AvailableNow())
                .start()
                .awaitTermination();
        Dataset<Row> stored = spark.read()
                .format("kafka")
                .options(options(settings))
                .option("subscribe", String.join(",", settings.topics().all()))
                .load()
                .limit(1);
        sink.call(counts(settings, DeadLetters.NONE).of(stored), 0L);
    }

    static Counts counts(Settings settings, DeadLetters deadLetters) {
        return new Counts(
                settings.window(),
                settings.slide(),
                settings.lateness(),
                settings.skew(),
                settings.aggregates(),
                deadLetters);
    }

    private static DeadLetters deadLetters(Settings settings) {
        return settings.deadLetters()
                .map(topic -> DeadLetters.to(topic, settings.consumer()))
                .orElse(DeadLetters.NONE);
    }

    static Dataset<Row> read(SparkSession spark, Settings settings) {
        return spark.readStream()
                .format(WatermarkedKafka.class.getName())
                .options(options(settings))
                .option("subscribe", String.join(",", settings.topics().all()))
                // WatermarkedStream asks again itself, and each attempt may take a minute
                .option("fetchOffset.numRetries", 1)
                // for dead letters alone: they are not free
                .option("includeHeaders", settings.deadLetters().isPresent())
                .option("startingOffsets", settings.startingOffsets().name().toLowerCase(Locale.ROOT))
                .option(WatermarkedKafka.LATENESS, settings.lateness().toMillis())
                .option(WatermarkedKafka.SLIDE, settings.slide().toMillis())
                .option(WatermarkedKafka.TRIGGER, settings.trigger().toMillis())
                .load();
    }

    private static Map<String, String> options(Settings settings) {
        Map<String, String> options = new HashMap<>();
        settings.consumer().forEach((key, value) -> options.put("kafka." + key, value));
        return options;
    }
}
