package dev.sluice.gateway;

import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.streams.ReadStream;
import java.util.List;

/** Buffers as a stream without a declared length. */
final class Chunks implements ReadStream<Buffer> {
    private final List<Buffer> chunks;
    private int next;
    private boolean paused;
    private Handler<Buffer> handler;
    private Handler<Void> end;

    Chunks(List<Buffer> chunks) {
        this.chunks = chunks;
    }

    @Override
    public ReadStream<Buffer> handler(Handler<Buffer> handler) {
        this.handler = handler;
        flow();
        return this;
    }

    @Override
    public ReadStream<Buffer> endHandler(Handler<Void> end) {
        this.end = end;
        return this;
    }

    @Override
    public ReadStream<Buffer> exceptionHandler(Handler<Throwable> handler) {
        return this;
    }

    @Override
    public ReadStream<Buffer> pause() {
        paused = true;
        return this;
    }

    @Override
    public ReadStream<Buffer> resume() {
        paused = false;
        flow();
        return this;
    }

    @Override
    public ReadStream<Buffer> fetch(long amount) {
        return resume();
    }

    private void flow() {
        while (!paused && handler != null && next < chunks.size()) {
            handler.handle(chunks.get(next++));
            if (next == chunks.size() && end != null) {
                end.handle(null);
            }
        }
    }
}
