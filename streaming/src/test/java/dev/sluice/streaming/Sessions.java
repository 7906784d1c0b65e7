package dev.sluice.streaming;

import org.apache.spark.sql.SparkSession;

/** The one Spark session of this module's tests: that of a laptop, with two partitions. */
final class Sessions {
    private static final int PARTITIONS = 2;

    private Sessions() {}

    static SparkSession local() {
        return Session.start(PARTITIONS, "file:/");
    }
}
