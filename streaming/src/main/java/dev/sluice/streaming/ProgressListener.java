package dev.sluice.streaming;

import java.time.Instant;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.apache.spark.sql.streaming.StreamingQueryListener;
import org.apache.spark.sql.streaming.StreamingQueryProgress;

/** Tells the private port, the consumer group and the topic of counts what the query does. */
final class ProgressListener extends StreamingQueryListener {
    private static final long serialVersionUID = 1;
    private static final String WATERMARK = "watermark";

    private final transient SparkSession spark;
    private final transient Metrics metrics;
    private final transient Health health;
    private final transient OffsetMirror mirror;
    private final transient Consumer<Status> followers;

    /** @param followers are told after each batch, and every few seconds without one */
    ProgressListener(
            SparkSession spark, Metrics metrics, Health health, OffsetMirror mirror, Consumer<Status> followers) {
        this.spark = spark;
        this.metrics = metrics;
        this.health = health;
        this.mirror = mirror;
        this.followers = followers;
    }

    @Override
    public void onQueryStarted(QueryStartedEvent event) {}

    @Override
    public void onQueryProgress(QueryProgressEvent event) {
        if (isCounting(event.progress())) {
            health.gotOn();
            Progress.of(event.progress()).ifPresent(batch -> count(batch, closed(event.progress())));
        }
    }

    private void count(Progress batch, Optional<Instant> closed) {
        metrics.count(batch);
        mirror.copy(batch.look().end().offsets());
        followers.accept(metrics.status(closed));
    }

    private static Optional<Instant> closed(StreamingQueryProgress progress) {
        return Optional.ofNullable(progress.eventTime().get(WATERMARK)).map(Instant::parse);
    }

    /** After a trigger without a batch; not after each, see {@link Session}. */
    @Override
    public void onQueryIdle(QueryIdleEvent event) {
        StreamingQuery query = spark.streams().get(event.id());
        StreamingQueryProgress progress = query == null ? null : query.lastProgress();
        if (progress != null && isCounting(progress)) {
            health.gotOn();
            Progress.Look.of(progress).ifPresent(look -> {
                metrics.look(look);
                followers.accept(metrics.status(closed(progress)));
            });
        }
    }

    @Override
    public void onQueryTerminated(QueryTerminatedEvent event) {}

    private static boolean isCounting(StreamingQueryProgress progress) {
        return Counting.NAME.equals(progress.name());
    }
}
