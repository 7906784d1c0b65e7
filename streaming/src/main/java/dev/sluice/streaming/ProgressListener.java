package dev.sluice.streaming;

import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.apache.spark.sql.streaming.StreamingQueryListener;
import org.apache.spark.sql.streaming.StreamingQueryProgress;

/** Tells the private port and the consumer group what the query does. */
final class ProgressListener extends StreamingQueryListener {
    private static final long serialVersionUID = 1;

    private final transient SparkSession spark;
    private final transient Metrics metrics;
    private final transient Health health;
    private final transient OffsetMirror mirror;

    ProgressListener(SparkSession spark, Metrics metrics, Health health, OffsetMirror mirror) {
        this.spark = spark;
        this.metrics = metrics;
        this.health = health;
        this.mirror = mirror;
    }

    @Override
    public void onQueryStarted(QueryStartedEvent event) {}

    @Override
    public void onQueryProgress(QueryProgressEvent event) {
        if (isCounting(event.progress())) {
            health.gotOn();
            Progress.of(event.progress()).ifPresent(this::count);
        }
    }

    private void count(Progress batch) {
        metrics.count(batch);
        mirror.copy(batch.look().end().offsets());
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
