package dev.sluice.streaming;

import java.time.Instant;
import java.util.function.Consumer;
import org.apache.spark.sql.streaming.StreamingQueryListener;

/** Says after each batch which windows are closed: no later batch changes those that ended by then. */
final class WatermarkListener extends StreamingQueryListener {
    private static final long serialVersionUID = 1;
    private static final String WATERMARK = "watermark";

    private final transient Consumer<Instant> closed;

    WatermarkListener(Consumer<Instant> closed) {
        this.closed = closed;
    }

    @Override
    public void onQueryStarted(QueryStartedEvent event) {}

    @Override
    public void onQueryProgress(QueryProgressEvent event) {
        String watermark = event.progress().eventTime().get(WATERMARK);
        if (Counting.NAME.equals(event.progress().name()) && watermark != null) {
            closed.accept(Instant.parse(watermark));
        }
    }

    @Override
    public void onQueryTerminated(QueryTerminatedEvent event) {}
}
