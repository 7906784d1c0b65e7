package dev.sluice.gateway;

import dev.sluice.gateway.CountsView.Filter;
import dev.sluice.gateway.CountsView.Row;
import dev.sluice.gateway.CountsView.Walk;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Counts as they change, as server-sent events. A reader is told {@code reset} and then all that there is, the newest first, or goes on behind
 * the {@code Last-Event-ID} that it had; then it gets, each as {@code counts}, rows that changed, a few times a second. One
 * that does not read what it is sent is cut off, and costs nothing: changes are written once for all readers, and none of
 * them has a queue beyond its connection's.
 */
final class CountsStream {
    static final String PATH = "/api/counts/stream";

    private static final long FLUSH_MILLIS = 250;
    private static final long QUIET_MILLIS = 15_000;

    /** Of a snapshot or of a change: the event loop is held no longer than for these. */
    private static final int AT_ONCE = 250;

    /** Most rows have fewer. */
    private static final int ROW_CHARACTERS = 192;

    /** At one time: what has changed beyond is told the next time, or not at all if it has changed again by then. */
    private static final int MOST_EVENTS = 8;

    /** What a reader may have missed and still goes on: a minute of changes where they are few, and a few MiB. */
    private static final int REMEMBERED = 240;

    private static final int REMEMBERED_BYTES = 4 * 1024 * 1024;

    /** For which is written before others have their turn. */
    private static final long TURN_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    /** For one reader, in one turn: more than {@link #MOST_EVENTS} have, so that whoever is behind comes nearer. */
    private static final int TURN_BYTES = 512 * 1024;

    private static final int MOST_READERS = 4_096;
    private static final int QUEUE_BYTES = 256 * 1024;

    private record Change(long number, Buffer text) {}

    /** Where a reader is. */
    private static final class Reader {
        private final HttpServerResponse response;
        private long behind;
        private boolean loading;

        Reader(HttpServerResponse response, long behind) {
            this.response = response;
            this.behind = behind;
        }
    }

    private final Vertx vertx;
    private final CountsView view;
    private final CountsFeed feed;
    /** Numbers of another process mean nothing here. */
    private final String process = Long.toHexString(ThreadLocalRandom.current().nextLong());

    /** The metrics ask for their number from another thread. */
    private final Set<Reader> readers = ConcurrentHashMap.newKeySet();

    private final Deque<Change> changes = new ArrayDeque<>();
    private int rememberedBytes;
    private long number;
    private boolean flushing;
    private long quiet;

    CountsStream(Vertx vertx, CountsView view, CountsFeed feed) {
        this.vertx = vertx;
        this.view = view;
        this.feed = feed;
    }

    /** Begins to look for changes. */
    void start() {
        vertx.setPeriodic(FLUSH_MILLIS, timer -> flush());
    }

    /**
     * Takes a reader; the caller has seen that there is something to read.
     *
     * @param filter of the snapshot: changes are the same for all readers
     */
    void open(RoutingContext context, Filter filter) {
        HttpServerResponse response = context.response();
        if (readers.size() >= MOST_READERS) {
            CountsApi.problem(context, 503, "There are " + MOST_READERS + " readers, and no more are taken.");
            return;
        }
        response.putHeader("Content-Type", "text/event-stream")
                .putHeader("Cache-Control", "no-store")
                .setChunked(true)
                .setWriteQueueMaxSize(QUEUE_BYTES);
        Reader reader = new Reader(response, position(context.request().getHeader("Last-Event-ID")));
        readers.add(reader);
        response.exceptionHandler(gone -> readers.remove(reader));
        response.closeHandler(gone -> readers.remove(reader));
        if (reader.behind < 0) {
            snapshot(reader, view.walk(filter, true));
        } else {
            reader.response.write(":\n\n");
            catchUp(reader);
        }
    }

    int readers() {
        return readers.size();
    }

    /** The number behind which the reader goes on; -1 where that is not known any more. */
    private long position(@Nullable String lastEventId) {
        if (lastEventId == null || !lastEventId.startsWith(process + "-")) {
            return -1;
        }
        try {
            long last = Long.parseLong(lastEventId.substring(process.length() + 1));
            long first = changes.isEmpty() ? number + 1 : changes.getFirst().number;
            return last >= first - 1 && last <= number ? last : -1;
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    private void snapshot(Reader reader, Walk rows) {
        reader.loading = true;
        reader.behind = number;
        reader.response.write("event: reset\ndata: {}\n\n");
        load(reader, rows);
    }

    /** Part after part, each when the one before has left. */
    private void load(Reader reader, Walk rows) {
        if (!readers.contains(reader)) {
            return;
        }
        List<Row> part = rows.next(AT_ONCE);
        Buffer text = part.isEmpty() ? Buffer.buffer() : event(part);
        if (!rows.hasNext()) {
            reader.response.write(text.appendString(id(reader.behind)));
            reader.loading = false;
            catchUp(reader);
        } else if (part.isEmpty()) {
            vertx.runOnContext(next -> load(reader, rows));
        } else {
            long timer = vertx.setTimer(QUIET_MILLIS, stuck -> cutOff(reader));
            reader.response.write(text).onComplete(left -> {
                vertx.cancelTimer(timer);
                vertx.runOnContext(next -> load(reader, rows));
            });
        }
    }

    /** It comes back, and goes on or starts anew. */
    private void cutOff(Reader reader) {
        readers.remove(reader);
        reader.response.reset();
    }

    private void flush() {
        quiet += FLUSH_MILLIS;
        if (feed.isReady() && !flushing) {
            flushing = true;
            flush(MOST_EVENTS);
        }
    }

    /** One event a turn of the event loop. */
    private void flush(int most) {
        List<Row> changed = view.changed(AT_ONCE);
        if (!changed.isEmpty()) {
            quiet = 0;
            remember(changed);
            if (most > 1) {
                vertx.runOnContext(next -> flush(most - 1));
                return;
            }
        }
        boolean isQuiet = quiet >= QUIET_MILLIS;
        if (isQuiet) {
            quiet = 0;
        }
        write(List.copyOf(readers).iterator(), isQuiet);
    }

    /** To so many readers at once that the event loop is not held for long; whoever is behind then gets it next time. */
    private void write(Iterator<Reader> all, boolean isQuiet) {
        long start = System.nanoTime();
        while (all.hasNext() && System.nanoTime() - start < TURN_NANOS) {
            Reader reader = all.next();
            if (isQuiet && !reader.loading) {
                reader.response.write(":\n\n");
            }
            catchUp(reader);
        }
        if (all.hasNext()) {
            vertx.runOnContext(next -> write(all, isQuiet));
        } else {
            flushing = false;
        }
    }

    /** @param changed no more than one event has */
    private void remember(List<Row> changed) {
        number++;
        Buffer text = event(changed).appendString(id(number));
        changes.addLast(new Change(number, text));
        rememberedBytes += text.length();
        while (changes.size() > REMEMBERED || (rememberedBytes > REMEMBERED_BYTES && changes.size() > 1)) {
            rememberedBytes -= changes.removeFirst().text.length();
        }
    }

    /** As far as a turn goes; the rest comes in the next one, unless the reader is too slow for it. */
    private void catchUp(Reader reader) {
        if (reader.loading || reader.behind == number || !readers.contains(reader)) {
            return;
        }
        boolean isLost = changes.isEmpty() || changes.getFirst().number > reader.behind + 1;
        if (isLost || reader.response.writeQueueFull()) {
            cutOff(reader);
            return;
        }
        int bytes = 0;
        for (Change change : changes) {
            if (change.number > reader.behind && bytes < TURN_BYTES) {
                reader.response.write(change.text);
                reader.behind = change.number;
                bytes += change.text.length();
            }
        }
    }

    private String id(long of) {
        return "id: " + process + "-" + of + "\nevent: at\ndata: {}\n\n";
    }

    private static Buffer event(List<Row> rows) {
        StringBuilder text = new StringBuilder(rows.size() * ROW_CHARACTERS).append("event: counts\ndata: ");
        CountsFormat.line(text, rows);
        return Buffer.buffer(text.append("\n\n").toString());
    }
}
