package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.assertProblem;
import static dev.sluice.gateway.Fixture.get;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.Golden;
import dev.sluice.events.RealBroker;
import dev.sluice.events.Rejection;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.ext.web.client.WebClient;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Kafka's client, in the moment before it has an id, waits for ever for a broker that is stuck. No signal hits that moment
 * for sure, so that a publisher without an answer stands in.
 */
class OverdueTest {
    private final Vertx vertx = Fixture.vertx();
    private final Settings settings = Fixture.settings(
            RealBroker.freePort(),
            Map.of(
                    "KAFKA_PRODUCER_DELIVERY_TIMEOUT_MS", "1000",
                    "KAFKA_PRODUCER_REQUEST_TIMEOUT_MS", "900"));
    private final Budget budget = new Budget(settings.inFlightBytes(), settings.largestRequest());

    @AfterEach
    void stop() throws Exception {
        get(vertx.close());
    }

    @Test
    void post_publisherThatNeverAnswers_isOutcomeUnknown_andHoldsNothing() throws Exception {
        get(vertx.deployVerticle(new IngestVerticle(
                settings,
                new Silent(),
                new Metrics(),
                new Tracing(Optional.empty(), settings.topics()),
                budget,
                new Senders(settings),
                null,
                Buffer.buffer(),
                () -> false)));
        HttpResponse<Buffer> answer = get(WebClient.create(vertx)
                .post(settings.httpPort(), "localhost", IngestVerticle.PATH)
                .sendBuffer(Buffer.buffer(Golden.PROTOTYPE)));
        assertProblem(answer, Rejection.OUTCOME_UNKNOWN);
        assertThat(budget.used()).isZero();
    }

    private static final class Silent implements Publisher {
        @Override
        public void start() {}

        @Override
        public Refusal outage() {
            return null;
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public Future<Receipt> publish(Event event, long receivedMillis, TraceContext trace, Context context) {
            return Promise.<Receipt>promise().future();
        }

        @Override
        public Future<Void> close() {
            return Future.succeededFuture();
        }
    }
}
