package dev.sluice.streaming;

import dev.sluice.settings.Environment;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.DataStreamReader;
import org.apache.spark.sql.streaming.StreamingQueryListener;
import org.apache.spark.sql.streaming.Trigger;

/** The limit that {@code make bench} holds streaming against: Spark reads Kafka's records and does nothing with them. */
final class SparkLimit {
    private SparkLimit() {}

    /** @param arguments how many records a batch has; all else are the variables of streaming */
    public static void main(String[] arguments) throws Exception {
        Settings settings = Settings.read(new Environment(System.getenv()));
        SparkSession spark = Session.start(settings.partitions(), settings.checkpoint());
        spark.streams().addListener(new Rows());
        DataStreamReader records = spark.readStream()
                .format("kafka")
                .option("subscribe", String.join(",", settings.topics().all()))
                .option("startingOffsets", "earliest")
                .option("maxOffsetsPerTrigger", arguments[0]);
        settings.consumer().forEach((name, value) -> records.option("kafka." + name, value));
        records.load()
                .writeStream()
                .format("noop")
                .option("checkpointLocation", settings.checkpoint())
                .trigger(Trigger.AvailableNow())
                .start()
                .awaitTermination();
        System.exit(0);
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
