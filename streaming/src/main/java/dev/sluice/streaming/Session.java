package dev.sluice.streaming;

import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;

/** A Spark session: the cluster's under {@code spark-submit}, otherwise all cores of this machine. */
final class Session {
    /** That a query is given to end once it is told to. */
    static final int STOP_MILLIS = 1_500;

    private static final int TOLD_MILLIS = 2_000;

    private Session() {}

    /**
     * For the query.
     *
     * @param partitions of the counts
     * @param checkpoint where it is
     */
    static SparkSession start(int partitions, String checkpoint) {
        SparkConf conf = new SparkConf().setIfMissing("spark.sql.shuffle.partitions", Integer.toString(partitions));
        setLocalMaster(conf);
        LocalFiles.use(conf, checkpoint);
        return start(conf);
    }

    /** For something that is done once: a task that failed would, tried again, send again what it had sent. */
    static SparkSession startJob() {
        SparkConf conf = new SparkConf().set("spark.task.maxFailures", "1");
        setLocalMaster(conf);
        return start(conf);
    }

    private static void setLocalMaster(SparkConf conf) {
        if (!conf.contains("spark.master")) {
            conf.setMaster("local[*]")
                    .setIfMissing("spark.ui.enabled", "false")
                    // a laptop's name often resolves to an address that it does not have
                    .setIfMissing("spark.driver.bindAddress", "127.0.0.1")
                    .setIfMissing("spark.driver.host", "127.0.0.1");
        }
    }

    private static SparkSession start(SparkConf conf) {
        conf.setIfMissing("spark.app.name", "sluice-streaming");
        conf.setIfMissing("spark.sql.streaming.stopTimeout", STOP_MILLIS + "ms");
        // also without a batch, those who follow the counts are told that there is nothing new
        conf.setIfMissing("spark.sql.streaming.noDataProgressEventInterval", TOLD_MILLIS + "ms");
        conf.set("spark.sql.session.timeZone", "UTC");
        // Spark refuses counts behind a step with state, unless they are final: the step may give out rows that the
        // watermark has passed. Ours gives out none, for each row falls into a window that is open.
        conf.set("spark.sql.streaming.statefulOperator.checkCorrectness.enabled", "false");
        // one watermark for both steps: behind a step of our own, Spark would derive none
        conf.set("spark.sql.streaming.statefulOperator.allowMultiple", "false");
        return SparkSession.builder().config(conf).getOrCreate();
    }
}
