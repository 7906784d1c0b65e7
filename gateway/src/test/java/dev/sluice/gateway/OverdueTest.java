package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.assertProblem;
import static dev.sluice.gateway.Fixture.get;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.read.ListAppender;
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
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * Kafka's client, in the moment before it has an id, waits for ever for a broker that is stuck. No signal hits that moment
 * for sure, so that a publisher without an answer stands in; nor does one hit a defect, so that one which has it stands in.
 */
class OverdueTest {
    private static final String SECRET = "S3cretOfASender";

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
        deploy(() -> Promise.<Publisher.Receipt>promise().future());
        assertProblem(post(), Rejection.OUTCOME_UNKNOWN);
        assertThat(budget.used()).isZero();
    }

    /** Of an image nothing is read before the event is published. */
    @Test
    void getImage_defect_isAnswered_andHoldsNothing() throws Exception {
        deploy(() -> {
            throw new IllegalStateException("a defect");
        });
        assertProblem(
                get(WebClient.create(vertx)
                        .get(settings.httpPort(), "localhost", IngestVerticle.IMAGE_PATH + "?event_type=a")
                        .send()),
                Rejection.INTERNAL_ERROR);
        assertThat(budget.used()).isZero();
    }

    /** The log has the cause, and nothing of what was sent. */
    @Test
    void post_defect_isLoggedWithoutTheRequest() throws Exception {
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        log.start();
        Logger ours = (Logger) LoggerFactory.getLogger("dev.sluice");
        ours.addAppender(log);
        try {
            deploy(() -> {
                throw new IllegalStateException("a defect");
            });
            assertProblem(post(), Rejection.INTERNAL_ERROR);
            assertThat(log.list).hasSize(1).allSatisfy(line -> {
                assertThat(line.getLevel()).isEqualTo(Level.ERROR);
                assertThat(ThrowableProxyUtil.asString(line.getThrowableProxy()))
                        .contains("a defect");
                assertThat(line.getFormattedMessage() + ThrowableProxyUtil.asString(line.getThrowableProxy()))
                        .doesNotContain(SECRET);
            });
        } finally {
            ours.detachAppender(log);
        }
        assertThat(budget.used()).isZero();
    }

    private void deploy(Supplier<Future<Publisher.Receipt>> publish) throws Exception {
        get(vertx.deployVerticle(new IngestVerticle(
                settings,
                new Odd(publish),
                new Metrics(),
                new Tracing(Optional.empty(), settings.topics()),
                budget,
                new Refusals(),
                new Senders(settings),
                null,
                Buffer.buffer(),
                () -> false)));
    }

    /** An event, and a secret in each place that has one. */
    private HttpResponse<Buffer> post() throws Exception {
        return get(WebClient.create(vertx)
                .post(settings.httpPort(), "localhost", IngestVerticle.PATH + "?" + SECRET)
                .putHeader("Authorization", "Bearer " + SECRET)
                .sendBuffer(Buffer.buffer("{\"event_type\":\"" + SECRET + "\"}")));
    }

    private record Odd(Supplier<Future<Receipt>> publish) implements Publisher {
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
            return publish.get();
        }

        @Override
        public Future<Void> close() {
            return Future.succeededFuture();
        }
    }
}
