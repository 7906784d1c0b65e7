package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.assertProblem;
import static dev.sluice.gateway.Fixture.awaitReady;
import static dev.sluice.gateway.Fixture.get;
import static dev.sluice.gateway.Fixture.management;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.Golden;
import dev.sluice.events.Rejection;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.junit5.VertxExtension;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A broker that is stuck, and more events than fit. */
@ExtendWith({VertxExtension.class, EventLoopWatch.class})
class OverloadTest {
    private static final int BODY = 15_000;

    @TempDir
    Path folder;

    private Fixture gateway;

    @BeforeEach
    void start() throws Exception {
        gateway = new Fixture(
                folder,
                Map.of(
                        "MAX_EVENT_BYTES", "30000",
                        "MAX_BODY_BYTES", "100000",
                        "MAX_INFLATED_BYTES", "100000",
                        "MAX_IN_FLIGHT_BYTES", "600000",
                        "KAFKA_PRODUCER_REQUEST_TIMEOUT_MS", "4000",
                        "KAFKA_PRODUCER_DELIVERY_TIMEOUT_MS", "6000"));
    }

    @AfterEach
    void stop() throws Exception {
        gateway.close();
    }

    @Test
    void stuckBroker_boundsWhatIsHeld_refusesAtOnce_andComesBack() throws Exception {
        gateway.broker.signal("STOP");
        List<Future<HttpResponse<Buffer>>> answers = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            answers.add(post());
        }
        // some seventeen of them fit; the others are told at once, long before Kafka's own time is over
        await().atMost(Duration.ofSeconds(3))
                .until(() -> answers.stream().filter(Future::isComplete).count() >= 20);
        assertThat(gateway.metric("sluice_in_flight_bytes")).isBetween(300_000.0, 600_000.0);
        for (Future<HttpResponse<Buffer>> answer : answers) {
            if (answer.isComplete()) {
                assertProblem(answer.result(), Rejection.OVERLOADED);
                assertThat(Integer.parseInt(answer.result().getHeader("Retry-After")))
                        .isBetween(1, 30);
            }
        }
        // the breaker opens, and says so
        await().atMost(Duration.ofSeconds(10))
                .until(() -> management(gateway.client, gateway.settings, "/health/ready")
                                .statusCode()
                        == 503);
        assertThat(management(gateway.client, gateway.settings, "/health/live").statusCode())
                .isEqualTo(200);
        assertProblem(get(post()), Rejection.KAFKA_UNAVAILABLE);
        gateway.broker.signal("CONT");
        awaitReady(gateway.client, gateway.settings);
        await().atMost(Duration.ofSeconds(20)).until(() -> get(post()).statusCode() == 202);
        Map<Integer, Integer> statuses = new TreeMap<>();
        for (Future<HttpResponse<Buffer>> answer : answers) {
            statuses.merge(get(answer).statusCode(), 1, Integer::sum);
        }
        assertThat(statuses.keySet()).isSubsetOf(202, 503);
        assertLedgerBalances();
    }

    /** Together they are four times what fits: each waits at its socket until there is room. */
    @Test
    void largeBodies_waitTheirTurn() throws Exception {
        String event = "{\"event_type\":\"a\",\"params\":{\"x\":\"" + "x".repeat(9_000) + "\"}}\n";
        Map<TopicPartition, Long> before = gateway.ends();
        List<Future<HttpResponse<Buffer>>> answers = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            answers.add(gateway.events()
                    .putHeader("Content-Type", "application/x-ndjson")
                    .sendBuffer(Buffer.buffer(event.repeat(10))));
        }
        for (Future<HttpResponse<Buffer>> answer : answers) {
            assertThat(get(answer).statusCode()).isEqualTo(202);
        }
        assertThat(gateway.recordsSince(before)).hasSize(100);
        assertLedgerBalances();
    }

    @Test
    void everyWayThroughARequest_givesItsBytesBack() throws Exception {
        for (String body : List.of(Golden.PROTOTYPE, "{", "[" + Golden.PROTOTYPE + ",1]", "", "x".repeat(100_001))) {
            get(gateway.events().sendBuffer(Buffer.buffer(body)));
            get(gateway.events().putHeader("Content-Encoding", "gzip").sendBuffer(Buffer.buffer(body)));
            get(gateway.events().putHeader("Content-Type", "text/html").sendBuffer(Buffer.buffer(body)));
        }
        try (RawHttp raw = new RawHttp(gateway.settings.httpPort())) {
            raw.send("POST /api/events HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n" + "x".repeat(20_000));
            await().until(() -> gateway.metric("sluice_in_flight_bytes") > 40_000);
        }
        assertLedgerBalances();
    }

    /** Kafka's client holds its event until then. */
    @Test
    void senderThatHangsUpBeforeItsAnswer_givesItsBytesBack_onceKafkaAnswers() throws Exception {
        Map<TopicPartition, Long> before = gateway.ends();
        gateway.broker.signal("STOP");
        try (RawHttp raw = new RawHttp(gateway.settings.httpPort())) {
            raw.send("POST /api/events HTTP/1.1\r\nHost: x\r\nContent-Length: " + Golden.PROTOTYPE.length() + "\r\n\r\n"
                    + Golden.PROTOTYPE);
            await().until(() -> gateway.metric("sluice_events_received_total") == 1);
        }
        assertThat(gateway.metric("sluice_in_flight_bytes")).isPositive();
        gateway.broker.signal("CONT");
        assertLedgerBalances();
        assertThat(gateway.recordsSince(before)).hasSize(1);
    }

    /** received = stored + refused, each event once, and nothing is held. */
    private void assertLedgerBalances() throws Exception {
        await().until(() -> gateway.metric("sluice_in_flight_bytes") == 0);
        String metrics =
                management(gateway.client, gateway.settings, "/metrics").bodyAsString();
        double ended = metrics.lines()
                .filter(line -> line.startsWith("sluice_events_total{"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.indexOf(' '))))
                .sum();
        assertThat(gateway.metric("sluice_events_received_total")).isEqualTo(ended);
    }

    private Future<HttpResponse<Buffer>> post() {
        String empty = "{\"event_type\":\"a\",\"params\":{\"x\":\"\"}}";
        return gateway.events()
                .sendBuffer(Buffer.buffer(empty.replace("\"\"", '"' + "x".repeat(BODY - empty.length()) + '"')));
    }
}
