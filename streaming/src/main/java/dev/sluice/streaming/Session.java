package dev.sluice.streaming;

import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;

/** A Spark session: the cluster's under {@code spark-submit}, otherwise all cores of this machine. */
final class Session {
    private Session() {}

    static SparkSession start(Settings settings) {
        SparkConf conf = new SparkConf();
        if (!conf.contains("spark.master")) {
            conf.setMaster("local[*]")
                    .setIfMissing("spark.ui.enabled", "false")
                    // a laptop's name often resolves to an address that it does not have
                    .setIfMissing("spark.driver.bindAddress", "127.0.0.1")
                    .setIfMissing("spark.driver.host", "127.0.0.1");
        }
        conf.setIfMissing("spark.app.name", "sluice-streaming");
        conf.setIfMissing("spark.sql.shuffle.partitions", Integer.toString(settings.partitions()));
        conf.set("spark.sql.session.timeZone", "UTC");
        return SparkSession.builder().config(conf).getOrCreate();
    }
}
