package dev.sluice.streaming;

import java.io.PrintStream;
import java.util.concurrent.TimeUnit;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerStageSubmitted;
import org.apache.spark.scheduler.SparkListenerTaskEnd;

/** Says how many tasks of a job are done, whenever one is, and every five seconds at most. Spark counts no records here. */
final class TaskProgress extends SparkListener {
    private static final long PAUSE = TimeUnit.SECONDS.toNanos(5);

    private final PrintStream out;
    private int known;
    private int done;
    private long saidNanos = System.nanoTime();

    TaskProgress(PrintStream out) {
        this.out = out;
    }

    @Override
    public void onStageSubmitted(SparkListenerStageSubmitted stage) {
        known += stage.stageInfo().numTasks();
    }

    @Override
    public void onTaskEnd(SparkListenerTaskEnd end) {
        done++;
        if (System.nanoTime() - saidNanos >= PAUSE && done < known) {
            saidNanos = System.nanoTime();
            out.printf("  %d of %d tasks done%n", done, known);
        }
    }
}
