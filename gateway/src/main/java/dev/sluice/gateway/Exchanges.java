package dev.sluice.gateway;

import static dev.sluice.events.Rejection.OUTCOME_UNKNOWN;

import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/** Requests with events, of one event loop: whatever happens to one, it is answered, once, and gives back what it held. */
final class Exchanges {
    /** Beyond Kafka's own time for a record, which begins a moment later than that of its request. */
    private static final Duration GRACE = Duration.ofSeconds(2);

    private static final Refusal OVERDUE = Refusal.of(
            OUTCOME_UNKNOWN, "Kafka's client gave no answer in its time. Send it again with the same event_id.");

    private static final Refusal STOPPING = Refusal.of(
            OUTCOME_UNKNOWN,
            "The gateway stopped before Kafka acknowledged this. Send it again with the same event_id.");

    private final Settings settings;
    private final Metrics metrics;
    private final Admission admission;
    private final Senders senders;
    private final Responses responses;
    private final Function<HttpServerRequest, Intake> intakes;
    private final Set<Exchange> inFlight = new HashSet<>();

    Exchanges(
            Settings settings,
            Metrics metrics,
            Admission admission,
            Senders senders,
            Responses responses,
            Function<HttpServerRequest, Intake> intakes) {
        this.settings = settings;
        this.metrics = metrics;
        this.admission = admission;
        this.senders = senders;
        this.responses = responses;
        this.intakes = intakes;
    }

    /** How the events of a request come out of it. */
    interface Way {
        /** Looks at its head, before it takes a share of the budget. */
        Work of(Sender sender, Intake intake) throws RefusedException;
    }

    interface Work {
        Future<Results> begin(Budget.Permit permit, Exchange exchange);
    }

    interface Answer {
        void to(HttpServerRequest request, String sender, AsyncResult<Results> outcome);
    }

    void serve(HttpServerRequest request, Connections.Use use, Answer answer, Way way) {
        Sender sender = Sender.ANYONE;
        Intake intake;
        Work work;
        Budget.Permit permit;
        try {
            intake = intakes.apply(request);
            sender = senders.sender(request);
            sender.quota().check();
            work = way.of(sender, intake);
            permit = admission.admit(use.share());
        } catch (RefusedException e) {
            answering(request, sender, Future.failedFuture(e));
            refuse(request, sender.name(), e.refusal());
            use.ended();
            return;
        } catch (RuntimeException defect) {
            answer.to(request, sender.name(), Future.failedFuture(defect));
            use.ended();
            return;
        }
        Sender known = sender;
        Exchange exchange = new Exchange(inFlight, metrics, permit, intake.trace(), outcome -> {
            use.ended();
            answering(request, known, outcome);
            answer.to(request, known.name(), outcome);
        });
        try {
            work.begin(permit, exchange).onComplete(exchange);
        } catch (RuntimeException defect) {
            exchange.fail(defect);
        }
    }

    /** What concerns the sender of a request that is about to be answered. */
    private void answering(HttpServerRequest request, Sender sender, AsyncResult<Results> outcome) {
        sender.quota().tell(request.response());
        metrics.sent(sender, outcome);
    }

    /** Answers a request whose body nobody reads. */
    void refuse(HttpServerRequest request, String sender, Refusal refusal) {
        BodyReader.discard(admission, request, settings.bounds());
        responses.refuse(request.response(), sender, refusal);
    }

    /** Kafka's client gives up a record in time, but not one that waits for the client's own id from a broker that is stuck. */
    void failOverdue() {
        long now = System.nanoTime();
        long nanos = settings.deliveryTimeout().plus(GRACE).toNanos();
        inFlight.stream()
                .filter(exchange -> exchange.isOverdue(now, nanos))
                .toList()
                .forEach(exchange -> exchange.fail(OVERDUE.asException()));
    }

    /** The connections are about to be closed. */
    void failAll() {
        List.copyOf(inFlight).forEach(exchange -> exchange.fail(STOPPING.asException()));
    }
}
