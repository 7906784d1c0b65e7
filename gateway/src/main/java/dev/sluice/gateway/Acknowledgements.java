package dev.sluice.gateway;

import io.vertx.core.Context;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings what Kafka's thread has found out to one event loop: many at once, for waking one up costs more than an answer.
 * It holds no more than what is in flight, which has a budget.
 */
final class Acknowledgements {
    private static final Logger LOG = LoggerFactory.getLogger(Acknowledgements.class);

    /** Then others have their turn. */
    private static final int AT_ONCE = 1_000;

    /** A link of the chain of those that wait. */
    abstract static class Acknowledgement {
        private @Nullable Acknowledgement next;

        /** Called on the event loop. */
        abstract void arrive();
    }

    private final Context context;
    /** The youngest first. */
    private final AtomicReference<@Nullable Acknowledgement> added = new AtomicReference<>();
    /** Of the event loop alone; taken from {@link #added}, the oldest first. */
    private @Nullable Acknowledgement taken;

    Acknowledgements(Context context) {
        this.context = context;
    }

    /** From any thread; they arrive in this order. Each may be added once. */
    void add(Acknowledgement acknowledgement) {
        Acknowledgement before;
        do {
            before = added.get();
            acknowledgement.next = before;
        } while (!added.compareAndSet(before, acknowledgement));
        if (before == null) {
            context.runOnContext(ignored -> arrive());
        }
    }

    private static @Nullable Acknowledgement oldestFirst(@Nullable Acknowledgement youngest) {
        Acknowledgement oldest = null;
        Acknowledgement each = youngest;
        while (each != null) {
            Acknowledgement older = each.next;
            each.next = oldest;
            oldest = each;
            each = older;
        }
        return oldest;
    }

    private void arrive() {
        for (int i = 0; i < AT_ONCE; i++) {
            Acknowledgement next = taken == null ? oldestFirst(added.getAndSet(null)) : taken;
            if (next == null) {
                return;
            }
            taken = next.next;
            try {
                next.arrive();
            } catch (RuntimeException e) {
                // a defect of one must not keep the others from their answers
                LOG.error("An acknowledgement could not be passed on", e);
            }
        }
        context.runOnContext(ignored -> arrive());
    }
}
