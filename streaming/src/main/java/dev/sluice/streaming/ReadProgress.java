package dev.sluice.streaming;

import java.io.PrintStream;
import java.util.concurrent.TimeUnit;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;

/** Says how many records a job has read, whenever a task ends, and every five seconds at most. */
final class ReadProgress extends SparkListener {
    private static final long PAUSE = TimeUnit.SECONDS.toNanos(5);

    private final long all;
    private final PrintStream out;
    private long read;
    private long saidNanos = System.nanoTime();

    ReadProgress(long all, PrintStream out) {
        this.all = all;
        this.out = out;
    }

    @Override
    public void onTaskEnd(SparkListenerTaskEnd end) {
        // null where the task failed
        if (end.taskMetrics() != null) {
            read += end.taskMetrics().inputMetrics().recordsRead();
        }
        if (System.nanoTime() - saidNanos >= PAUSE && read < all) {
            saidNanos = System.nanoTime();
            out.printf("  %,d of %,d records read%n", read, all);
        }
    }
}
