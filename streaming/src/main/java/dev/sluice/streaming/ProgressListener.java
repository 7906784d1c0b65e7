package dev.sluice.streaming;

import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.apache.spark.sql.streaming.StreamingQueryListener;
import org.apache.spark.sql.streaming.StreamingQueryProgress;

/** Tells the private port what the query does. */
final class ProgressListener extends StreamingQueryListener {
    private static final long serialVersionUID = 1;

    private final transient SparkSession spark;
    private final transient Metrics metrics;
    private final transient Health health;

    ProgressListener(SparkSession spark, Metrics metrics, Health health) {
        this.spark = spark;
        this.metrics = metrics;
        this.health = health;
    }

    @Override
    public void onQueryStarted(QueryStartedEvent event) {}

    @Override
    public void onQueryProgress(QueryProgressEvent event) {
        if (isCounting(event.progress())) {
            health.gotOn();
            Progress.of(event.progress()).ifPresent(metrics::count);
        }
    }

    /** At most every ten seconds, after a trigger without a batch. */
    @Override
    public void onQueryIdle(QueryIdleEvent event) {
        StreamingQuery query = spark.streams().get(event.id());
        StreamingQueryProgress progress = query == null ? null : query.lastProgress();
        if (progress != null && isCounting(progress)) {
            health.gotOn();
            Progress.Look.of(progress).ifPresent(metrics::look);
        }
    }

    @Override
    public void onQueryTerminated(QueryTerminatedEvent event) {}

    private static boolean isCounting(StreamingQueryProgress progress) {
        return Counting.NAME.equals(progress.name());
    }
}
