package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.Golden;
import dev.sluice.events.Rejection;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientAgent;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.PoolOptions;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.junit5.VertxExtension;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Senders that take all there is, and one that wants to send a single event meanwhile. */
@ExtendWith({VertxExtension.class, EventLoopWatch.class})
class FairnessTest {
    private static final int BODY_BYTES = 100_000;
    private static final int BUDGET = 600_000;
    /** More than a quarter, as a largest request needs it. */
    private static final int SHARE = 404_096;

    private static final String HEAD = "POST /api/events HTTP/1.1\r\nHost: x\r\nContent-Length: ";

    @TempDir
    static Path folder;

    private static Fixture gateway;

    private final List<RawHttp> senders = new ArrayList<>();
    private final Vertx clients = Vertx.vertx();
    private HttpClientAgent http2;

    @BeforeAll
    static void start() throws Exception {
        gateway = new Fixture(
                folder,
                Map.of(
                        "MAX_BODY_BYTES", Integer.toString(BODY_BYTES),
                        "MAX_INFLATED_BYTES", Integer.toString(BODY_BYTES),
                        "MAX_IN_FLIGHT_BYTES", Integer.toString(BUDGET)));
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    @BeforeEach
    void connect() {
        http2 = clients.createHttpClient(
                new HttpClientOptions()
                        .setProtocolVersion(HttpVersion.HTTP_2)
                        .setHttp2ClearTextUpgrade(false)
                        .setDefaultPort(gateway.settings.httpPort()),
                new PoolOptions().setHttp2MaxSize(1));
    }

    @AfterEach
    void hangUp() throws Exception {
        for (RawHttp sender : senders) {
            sender.close();
        }
        get(clients.close());
        await().until(() -> inFlight() == 0);
    }

    /** Each holds a little for as long as it may, and there are more of them all the time. */
    @Test
    void slowSendersOfSmallBodies_doNotKeepOutAFastOne() throws Exception {
        for (int i = 0; i < 200; i++) {
            slow(10, "{");
        }
        await().until(() -> inFlight() > BUDGET - Budget.REQUEST_BYTES);
        await().atMost(Duration.ofSeconds(5)).until(() -> post().statusCode() == 202);
        for (int i = 0; i < 20; i++) {
            slow(10, "{");
            assertThat(post().statusCode()).isEqualTo(202);
        }
        assertThat(senders.get(0).answersWithin(1_000) || senders.get(1).answersWithin(1_000))
                .as("the oldest of an event loop is given up")
                .isTrue();
    }

    /** Those that are promised most of the budget, and those that wait for it. */
    @Test
    void slowSendersOfLargeBodies_keepOutNeitherASmallNorALargeOne() throws Exception {
        for (int i = 0; i < 200; i++) {
            slow(90_000, "[");
        }
        await().until(() -> inFlight() > BUDGET - 2 * Budget.REQUEST_BYTES);
        await().atMost(Duration.ofSeconds(4)).until(() -> post().statusCode() == 202);
        await().atMost(Duration.ofSeconds(20))
                .until(() -> gateway.post("application/x-ndjson", (Golden.PROTOTYPE + "\n").repeat(500))
                                .statusCode()
                        == 202);
    }

    @Test
    void oneConnectionOfManyRequests_hasItsShare_andNoMore() throws Exception {
        List<Future<HttpClientResponse>> answers = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            HttpClientRequest request = stream();
            answers.add(request.response());
            request.write(Buffer.buffer("x".repeat(30_000)));
        }
        await().until(() -> inFlight() > SHARE - 70_000);
        // at once: none of its bodies is slow yet
        for (int i = 0; i < 10; i++) {
            assertThat(post().statusCode()).isEqualTo(202);
        }
        assertThat(inFlight()).isLessThanOrEqualTo(SHARE);
        await().until(() -> answers.stream().anyMatch(Future::isComplete));
        for (Future<HttpClientResponse> answer : answers) {
            if (answer.isComplete()) {
                assertThat(answer.result().statusCode()).isEqualTo(503);
            }
        }
    }

    @Test
    void streamThatIsReset_givesItsBytesBack() throws Exception {
        double before = incomplete();
        HttpClientRequest request = stream();
        request.write(Buffer.buffer("x".repeat(30_000)));
        await().until(() -> inFlight() > 60_000);
        request.reset();
        await().until(() -> inFlight() == 0);
        assertThat(incomplete()).isEqualTo(before + 1);
    }

    /** Before it would be told that there was no room for it in time. */
    @Test
    void senderThatHangsUpWhileItWaits_givesItsBytesBack() throws Exception {
        for (int i = 0; i < 6; i++) {
            slow(90_000, "x".repeat(20_000));
        }
        await().until(() -> inFlight() >= 2 * 40_000 + 6 * Budget.REQUEST_BYTES);
        for (RawHttp sender : senders) {
            sender.close();
        }
        await().atMost(Duration.ofSeconds(3)).until(() -> inFlight() == 0);
    }

    private void slow(int length, String beginning) throws IOException {
        senders.add(new RawHttp(gateway.settings.httpPort()).send(HEAD + length + "\r\n\r\n" + beginning));
    }

    private HttpClientRequest stream() throws Exception {
        return get(http2.request(HttpMethod.POST, IngestVerticle.PATH)).setChunked(true);
    }

    private static HttpResponse<Buffer> post() throws Exception {
        return gateway.post("application/json", Golden.PROTOTYPE);
    }

    private static double incomplete() throws Exception {
        return gateway.metric("sluice_requests_total{outcome=\"" + Rejection.INCOMPLETE_BODY.code() + "\"}");
    }

    private static double inFlight() throws Exception {
        return gateway.metric("sluice_in_flight_bytes");
    }
}
