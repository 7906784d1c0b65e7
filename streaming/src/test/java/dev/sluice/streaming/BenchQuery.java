package dev.sluice.streaming;

import dev.sluice.settings.Environment;
import java.util.concurrent.TimeoutException;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.DataStreamReader;
import org.apache.spark.sql.streaming.OutputMode;
import org.apache.spark.sql.streaming.StreamingQueryListener;
import org.apache.spark.sql.streaming.Trigger;

/** The queries that {@code make bench} holds streaming against; says after each batch how many records it has read. */
final class BenchQuery {
    private BenchQuery() {}

    /**
     * Takes the variables of streaming.
     *
     * @param arguments {@code source} for Spark's Kafka source into nothing, and how many records a batch has;
     *     {@code with-ids} for streaming's own query; {@code without-ids} for the same without the step that finds
     *     duplicates
     */
    public static void main(String[] arguments) throws Exception {
        Settings settings = Settings.read(new Environment(System.getenv()));
        SparkSession spark = Session.start(settings.partitions(), settings.checkpoint());
        spark.streams().addListener(new Rows());
        switch (arguments[0]) {
            case "source" -> source(spark, settings, arguments[1]);
            case "with-ids" -> Counting.start(spark, settings, new ConsoleSink(System.out));
            case "without-ids" -> withoutIds(spark, settings);
            default -> throw new IllegalArgumentException(arguments[0]);
        }
        spark.streams().awaitAnyTermination();
    }

    private static void source(SparkSession spark, Settings settings, String batch) throws TimeoutException {
        DataStreamReader records = spark.readStream()
                .format("kafka")
                .option("subscribe", String.join(",", settings.topics().all()))
                .option("startingOffsets", "earliest")
                .option("maxOffsetsPerTrigger", batch);
        settings.consumer().forEach((name, value) -> records.option("kafka." + name, value));
        // without a trigger: a batch follows the one before at once
        records.load()
                .writeStream()
                .option("checkpointLocation", settings.checkpoint())
                .format("noop")
                .start();
    }

    private static void withoutIds(SparkSession spark, Settings settings) throws TimeoutException {
        Counts counts = Counting.counts(settings, DeadLetters.NONE);
        counts.count(Counts.observe(counts.tallied(Counting.read(spark, settings))))
                .writeStream()
                .option("checkpointLocation", settings.checkpoint())
                .trigger(Trigger.ProcessingTime(settings.trigger().toMillis()))
                .outputMode(OutputMode.Update())
                .foreachBatch(new ConsoleSink(System.out))
                .start();
    }

    private static final class Rows extends StreamingQueryListener {
        private static final long serialVersionUID = 1;

        private long rows;

        @Override
        public void onQueryStarted(QueryStartedEvent event) {}

        @Override
        public void onQueryProgress(QueryProgressEvent event) {
            rows += event.progress().numInputRows();
            System.out.println("ROWS " + rows);
        }

        @Override
        public void onQueryTerminated(QueryTerminatedEvent event) {}
    }
}
