package dev.sluice.gateway;

import static dev.sluice.events.Rejection.OUTCOME_UNKNOWN;
import static dev.sluice.events.Rejection.SPOOL_FAILED;
import static dev.sluice.events.Rejection.SPOOL_FULL;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.vertx.core.AsyncResult;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes to Kafka, and through a {@link Spool} while Kafka cannot take events. As long as the spool holds any, new
 * ones go behind them, so that the order in which events were answered is the order in which Kafka gets them. One thread
 * writes, syncs and reads the spool: groups form while it waits for the disk.
 */
final class SpoolingPublisher implements Publisher {
    private static final Logger LOG = LoggerFactory.getLogger(SpoolingPublisher.class);
    private static final Duration TICK = Duration.ofMillis(100);
    private static final int GROUP = 2_000;
    /** Events on their way from the spool to Kafka: enough to keep it busy, little memory. */
    private static final int WINDOW = 1_000;

    static final int WINDOW_BYTES = 2 * 1024 * 1024;

    private static final Refusal FULL = Refusal.of(SPOOL_FULL, "The spool holds MAX_SPOOL_BYTES.");
    private static final Refusal FAILED = Refusal.of(SPOOL_FAILED, "The gateway's log has the cause.");
    private static final Refusal UNSURE =
            Refusal.of(OUTCOME_UNKNOWN, "The spool's disk failed. Send it again with the same event_id.");

    /** One event on its way to the disk. */
    private record Arriving(SpoolRecord.Arrival arrival, Context context, Promise<Receipt> promise) {}

    /** One event on its way from the disk to Kafka. */
    private static final class Leaving {
        final SpoolRecord.Entry entry;
        final int bytes;
        boolean done;

        Leaving(SpoolRecord.Entry entry) {
            this.entry = entry;
            this.bytes = entry.arrival().bytes();
        }
    }

    private final Context context;
    private final KafkaPublisher kafka;
    private final Spool spool;
    private final Path refusedFile;
    private final ScheduledExecutorService thread =
            new ScheduledThreadPoolExecutor(1, SpoolingPublisher::named, new ThreadPoolExecutor.DiscardPolicy());
    /** Never longer than the requests that the budget lets in. */
    private final Queue<Arriving> arriving = new ConcurrentLinkedQueue<>();

    private final AtomicBoolean woken = new AtomicBoolean();
    /** Events that are on their way to the disk, on it, or on their way from it. */
    private final AtomicLong held;

    private final AtomicLong replayed = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private volatile boolean closing;
    // of the thread alone
    private final Deque<Leaving> window = new ArrayDeque<>();
    private int windowBytes;
    private int inFlight;
    private boolean someFailed;
    private boolean diskFailing;

    /** @param folder of the spool, where events that Kafka will never take are kept as well */
    SpoolingPublisher(Vertx vertx, KafkaPublisher kafka, Spool spool, Path folder) {
        this.context = vertx.getOrCreateContext();
        this.kafka = kafka;
        this.spool = spool;
        this.refusedFile = folder.resolve("refused.ndjson");
        this.held = new AtomicLong(spool.size());
    }

    private static Thread named(Runnable task) {
        Thread created = new Thread(task, "spool");
        created.setDaemon(true);
        return created;
    }

    @Override
    public void start() {
        kafka.start();
        var unused = thread.scheduleWithFixedDelay(this::turn, 0, TICK.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public @Nullable Refusal outage() {
        return isDirect() ? null : spoolRefusal();
    }

    @Override
    public boolean isReady() {
        return spoolRefusal() == null || (held.get() == 0 && kafka.isReady());
    }

    private boolean isDirect() {
        return held.get() == 0 && kafka.outage() == null;
    }

    private @Nullable Refusal spoolRefusal() {
        return switch (spool.state()) {
            case OPEN -> null;
            case FULL -> FULL;
            case FAILED -> FAILED;
        };
    }

    @Override
    public Future<Receipt> publish(Event event, long receivedMillis, TraceContext trace, Context context) {
        SpoolRecord.Arrival arrival = new SpoolRecord.Arrival(event, receivedMillis, trace);
        if (!isDirect()) {
            return keep(arrival, context);
        }
        return kafka.publish(event, receivedMillis, trace, context)
                .recover(cause -> isFinal(cause) ? Future.failedFuture(cause) : keepInDoubt(arrival, context, cause));
    }

    /** Where the spool does not take it either, what is said of Kafka stands: it may be stored there. */
    private Future<Receipt> keepInDoubt(SpoolRecord.Arrival arrival, Context context, Throwable cause) {
        return keep(arrival, context).recover(spool -> Future.failedFuture(cause));
    }

    private static boolean isFinal(Throwable cause) {
        return !(cause instanceof RefusedException refusal)
                || KafkaPublisher.OF_THE_RECORD.contains(refusal.refusal().rejection());
    }

    private Future<Receipt> keep(SpoolRecord.Arrival arrival, Context context) {
        Refusal refusal = spoolRefusal();
        if (refusal != null) {
            return Future.failedFuture(refusal.asException());
        }
        held.incrementAndGet();
        Promise<Receipt> promise = Promise.promise();
        arriving.add(new Arriving(arrival, context, promise));
        wake();
        return promise.future();
    }

    private void wake() {
        if (woken.compareAndSet(false, true)) {
            thread.execute(this::turn);
        }
    }

    /** Events that are kept and not yet in Kafka. */
    long held() {
        return held.get();
    }

    long bytes() {
        return spool.bytes();
    }

    /** Events that went from the spool to Kafka. */
    long replayed() {
        return replayed.get();
    }

    /** Events of the spool that Kafka will never take; each is in a file beside it. */
    long refused() {
        return refused.get();
    }

    long missing() {
        return spool.missing();
    }

    private void turn() {
        woken.set(false);
        try {
            keepArrivals();
            replay();
        } catch (IOException | RuntimeException e) {
            LOG.error("The spool cannot be read; trying on", e);
        }
        if (!arriving.isEmpty()) {
            wake();
        }
    }

    /** One group: one write, one sync. */
    private void keepArrivals() {
        List<Arriving> group = new ArrayList<>();
        int bytes = 0;
        while (group.size() < GROUP && bytes < Spool.GROUP_BYTES) {
            Arriving next = arriving.poll();
            if (next == null) {
                break;
            }
            group.add(next);
            bytes += next.arrival().bytes();
        }
        if (group.isEmpty()) {
            return;
        }
        Refusal full = spoolRefusal();
        if (full != null) {
            answer(group, full);
            return;
        }
        try {
            spool.append(group.stream().map(Arriving::arrival).toList());
            if (diskFailing) {
                LOG.info("The spool's disk works again");
            }
            diskFailing = false;
            answer(group, null);
        } catch (IOException | RuntimeException e) {
            if (!diskFailing) {
                LOG.error("The spool cannot be written: events are refused until it can", e);
            }
            diskFailing = true;
            answer(group, spool.isUnsure() ? UNSURE : FAILED);
        }
    }

    private void answer(List<Arriving> group, @Nullable Refusal refusal) {
        if (refusal != null) {
            held.addAndGet(-group.size());
        }
        for (Arriving each : group) {
            each.context().runOnContext(ignored -> {
                if (refusal == null) {
                    each.promise().complete(Spooled.ON_DISK);
                } else {
                    each.promise().fail(refusal.asException());
                }
            });
        }
    }

    private void replay() throws IOException {
        if (closing || !kafka.isReady()) {
            return;
        }
        if (someFailed) {
            sendAgain();
            return;
        }
        while (window.size() < WINDOW && windowBytes < WINDOW_BYTES) {
            long missing = spool.missing();
            SpoolRecord.Entry entry = spool.read();
            held.addAndGet(missing - spool.missing());
            if (entry == null) {
                break;
            }
            Leaving leaving = new Leaving(entry);
            window.add(leaving);
            windowBytes += leaving.bytes;
            if (!send(leaving)) {
                break;
            }
        }
    }

    /** Once nothing is under way, so that the order stays what it was. */
    private void sendAgain() {
        if (inFlight > 0) {
            return;
        }
        someFailed = false;
        for (Leaving leaving : window) {
            if (!leaving.done && !send(leaving)) {
                break;
            }
        }
    }

    /** Whether Kafka's client took it; if not, those behind it have to wait as well. */
    private boolean send(Leaving leaving) {
        SpoolRecord.Arrival arrival = leaving.entry.arrival();
        Future<Receipt> sent = kafka.publish(arrival.event(), arrival.receivedMillis(), arrival.trace(), context);
        if (sent.failed() && !isFinal(sent.cause())) {
            someFailed = true;
            return false;
        }
        inFlight++;
        sent.onComplete(outcome -> thread.execute(() -> sent(leaving, outcome)));
        return true;
    }

    private void sent(Leaving leaving, AsyncResult<Receipt> outcome) {
        inFlight--;
        try {
            if (outcome.succeeded()) {
                replayed.incrementAndGet();
                leaving.done = true;
            } else if (isFinal(outcome.cause())) {
                setAside(leaving.entry, outcome.cause());
                leaving.done = true;
            } else {
                someFailed = true;
            }
            giveBack();
        } catch (IOException e) {
            someFailed = true;
            LOG.error("How far the spool was replayed cannot be written; some of it may be sent again", e);
        }
        if (window.size() < WINDOW / 2 && !someFailed) {
            wake();
        }
    }

    /** What is delivered up to the first that is not. */
    private void giveBack() throws IOException {
        SpoolRecord.Entry last = null;
        int count = 0;
        while (!window.isEmpty() && window.getFirst().done) {
            Leaving first = window.removeFirst();
            windowBytes -= first.bytes;
            last = first.entry;
            count++;
        }
        if (last != null) {
            held.addAndGet(-count);
            spool.delivered(last);
        }
    }

    /** Kafka takes this record at no time: it must not hold up those behind it, nor be lost. */
    private void setAside(SpoolRecord.Entry entry, Throwable cause) throws IOException {
        Files.write(
                refusedFile,
                (new String(entry.arrival().event().value(), UTF_8).replace('\n', ' ') + "\n").getBytes(UTF_8),
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND,
                StandardOpenOption.DSYNC);
        refused.incrementAndGet();
        LOG.error(
                "Kafka refused an event of the spool for good; it is kept in {}: {}", refusedFile, cause.getMessage());
    }

    /** Hands to Kafka what is under way, puts the rest on disk, and lets go of both. */
    @Override
    public Future<Void> close() {
        closing = true;
        return kafka.close().eventually(() -> {
            Promise<Void> closed = Promise.promise();
            // after what Kafka answered last
            context.runOnContext(ignored -> thread.execute(() -> closeSpool(closed)));
            return closed.future();
        });
    }

    private void closeSpool(Promise<Void> closed) {
        while (!arriving.isEmpty()) {
            keepArrivals();
        }
        try {
            spool.close();
            closed.complete();
        } catch (IOException e) {
            closed.fail(e);
        }
        thread.shutdown();
    }
}
