package dev.sluice.gateway;

import dev.sluice.events.Rejection;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpServerRequest;
import java.util.function.Function;

/** Finds the events in what senders send, judges them by the contract and by who sends them, and hands them on; for one event loop. */
final class Bodies {
    private final EventValidator validator;
    private final Function<byte[], Verdict> anyone;
    private final CloudEventReader cloudEvents = new CloudEventReader();
    private final int batchEvents;

    Bodies(Settings settings) {
        this.validator = new EventValidator(settings.bounds(), settings.keys());
        this.anyone = validator::check;
        this.batchEvents = settings.bounds().batchEvents();
    }

    /** Judges the events of a sender. */
    private Function<byte[], Verdict> check(Sender sender) {
        return sender.types().isEmpty() ? anyone : bytes -> sender.check(validator.check(bytes));
    }

    /**
     * Takes what a body has, whatever form it has; fails with a {@link RefusedException} where it has no form of events.
     *
     * @param body inflated
     */
    Future<Results> take(Sender sender, Format format, HttpServerRequest request, byte[] body, Intake intake) {
        sender.quota().use(0, body.length);
        try {
            return switch (format) {
                case JSON ->
                    Items.isArray(body)
                            ? takeEvents(sender, Items.ofArray(body, batchEvents), intake)
                            : takeOne(sender, check(sender).apply(body), intake);
                case LINES -> takeEvents(sender, Items.ofLines(body, batchEvents), intake);
                case CLOUDEVENT_BINARY ->
                    takeOne(
                            sender,
                            verdict(check(sender), () -> cloudEvents
                                    .binary(request.headers(), body)
                                    .toEvent()),
                            intake);
                case CLOUDEVENT -> takeOne(sender, cloudEvent(check(sender), body), intake);
                case CLOUDEVENT_BATCH -> takeCloudEvents(sender, body, intake);
            };
        } catch (RefusedException e) {
            return Future.failedFuture(e);
        }
    }

    /** Takes the event of an image's address. */
    Future<Results> takeImage(Sender sender, MultiMap query, Intake intake) {
        return takeOne(sender, verdict(check(sender), () -> Pixel.toEvent(query)), intake);
    }

    private Future<Results> takeOne(Sender sender, Verdict verdict, Intake intake) {
        sender.quota().use(1, 0);
        return intake.take(verdict);
    }

    private Future<Results> takeEvents(Sender sender, Items items, Intake intake) {
        return takeAll(sender, items, check(sender), intake);
    }

    private Future<Results> takeCloudEvents(Sender sender, byte[] body, Intake intake) throws RefusedException {
        if (!Items.isArray(body)) {
            Refusal refusal = JsonSyntax.checkValue(body);
            throw (refusal == null ? Refusal.of(Rejection.WRONG_TYPE, "Send a JSON array of CloudEvents.") : refusal)
                    .asException();
        }
        Items items = Items.ofArray(body, batchEvents);
        Function<byte[], Verdict> check = check(sender);
        return takeAll(sender, items, event -> cloudEvent(check, event), intake);
    }

    private Future<Results> takeAll(Sender sender, Items items, Function<byte[], Verdict> check, Intake intake) {
        sender.quota().use(items.size(), 0);
        return intake.take(items, check);
    }

    private Verdict cloudEvent(Function<byte[], Verdict> check, byte[] bytes) {
        return verdict(check, () -> cloudEvents.structured(bytes).toEvent());
    }

    /** Bytes of an event that has to be put together first. */
    private interface Source {
        byte[] event() throws RefusedException;
    }

    private static Verdict verdict(Function<byte[], Verdict> check, Source source) {
        try {
            return check.apply(source.event());
        } catch (RefusedException e) {
            return e.refusal();
        }
    }
}
