package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.get;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.RealBroker;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.net.SocketException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ConnectionsTest {
    private static final int PORT = RealBroker.freePort();
    private final Vertx vertx = Vertx.vertx();
    private final Promise<Void> answer = Promise.promise();
    private Connections connections;

    @BeforeEach
    void start() throws Exception {
        connections = new Connections(vertx, Duration.ofMillis(300));
        get(vertx.createHttpServer()
                .connectionHandler(connections::opened)
                .requestHandler(this::handle)
                .listen(PORT));
    }

    private void handle(HttpServerRequest request) {
        Connections.Use use = connections.begin(request.connection());
        Future<Void> due = request.path().equals("/slow") ? answer.future() : Future.succeededFuture();
        due.onComplete(now -> {
            request.response().end("done");
            use.ended();
        });
    }

    @AfterEach
    void stop() throws Exception {
        get(vertx.close());
    }

    @Test
    void headersThatTrickle_endTheConnection() throws Exception {
        try (RawHttp raw = new RawHttp(PORT).send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")) {
            assertThat(raw.response()).startsWith("HTTP/1.1 200");
            raw.send("GET / HTTP/1.1\r\n");
            assertThat(trickleUntilClosed(raw)).isTrue();
        }
    }

    @Test
    void firstHeadersThatTrickle_endTheConnection() throws Exception {
        int port = RealBroker.freePort();
        get(vertx.createHttpServer(connections.limit(new HttpServerOptions(), Duration.ofMillis(300)))
                .connectionHandler(connections::opened)
                .requestHandler(request -> request.response().end())
                .listen(port));
        try (RawHttp raw = new RawHttp(port).send("GET / HTTP/1.1\r\n")) {
            assertThat(trickleUntilClosed(raw)).isTrue();
        }
    }

    @Test
    void requestUnderWay_keepsTheConnectionHoweverLong() throws Exception {
        try (RawHttp slow = new RawHttp(PORT).send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
                RawHttp idle = new RawHttp(PORT).send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")) {
            assertThat(idle.response()).startsWith("HTTP/1.1 200");
            // by the time the idle one has been ended, the busy one has been looked at too
            assertThat(idle.isClosedByServer()).isTrue();
            answer.complete();
            assertThat(slow.response()).startsWith("HTTP/1.1 200").endsWith("done");
            assertThat(slow.isClosedByServer()).isTrue();
        }
    }

    /** Each byte would begin an idle timeout anew. */
    private static boolean trickleUntilClosed(RawHttp raw) throws IOException {
        try {
            for (int i = 0; i < 1_000; i++) {
                raw.send("X");
                if (raw.isClosedWithin(20)) {
                    return true;
                }
            }
            return false;
        } catch (SocketException reset) {
            return true;
        }
    }
}
