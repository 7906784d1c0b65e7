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
    private Counting() {}

    /**
     * Starts the query where its checkpoint ends.
     *
     * @param sink is given each batch's changed counts; the same batch once more after a crash, with the same counts
     */
    static StreamingQuery start(SparkSession spark, Settings settings, VoidFunction2<Dataset<Row>, Long> sink)
            throws TimeoutException {
        Counts counts = new Counts(settings.window(), settings.lateness(), settings.skew());
        return counts.of(read(spark, settings))
                .writeStream()
                .queryName("counts")
                .outputMode(OutputMode.Update())
                .option("checkpointLocation", settings.checkpoint())
                .trigger(Trigger.ProcessingTime(settings.trigger().toMillis()))
                .foreachBatch(sink)
                .start();
    }

    private static Dataset<Row> read(SparkSession spark, Settings settings) {
        Map<String, String> options = new HashMap<>();
        settings.consumer().forEach((key, value) -> options.put("kafka." + key, value));
        return spark.readStream()
                .format("kafka")
                .options(options)
                .option("subscribe", settings.topic())
                .option("startingOffsets", settings.startingOffsets().name().toLowerCase(Locale.ROOT))
                .load();
    }
}
