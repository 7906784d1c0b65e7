package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.get;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.RealBroker;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ConnectionLimitTest {
    private static final String REQUEST = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    @Test
    void oneTooMany_waitsUntilAnotherEnds() throws Exception {
        int port = RealBroker.freePort();
        Vertx vertx = Vertx.builder()
                .withTransport(ConnectionLimit.transport(new ConnectionLimit.Most(2, 2)))
                .build();
        get(vertx.createHttpServer()
                .requestHandler(request -> request.response().end())
                .listen(port));
        try (RawHttp first = new RawHttp(port).send(REQUEST);
                // open, and says nothing
                RawHttp second = new RawHttp(port)) {
            assertThat(first.response()).startsWith("HTTP/1.1 200");
            try (RawHttp third = new RawHttp(port).send(REQUEST)) {
                assertThat(third.answersWithin(500)).isFalse();
                second.close();
                assertThat(third.response()).startsWith("HTTP/1.1 200");
            }
        } finally {
            get(vertx.close());
        }
    }

    /** 127.0.0.1 is one address, and 127.0.0.2 another. */
    @Test
    void oneTooManyOfAPeer_isClosed_andAnotherPeersIsNot() throws Exception {
        int port = RealBroker.freePort();
        Vertx vertx = Vertx.builder()
                .withTransport(ConnectionLimit.transport(new ConnectionLimit.Most(10, 2)))
                .build();
        get(vertx.createHttpServer()
                .requestHandler(request -> request.response().end())
                .listen(port));
        try (RawHttp first = new RawHttp(port).send(REQUEST);
                RawHttp second = new RawHttp(port).send(REQUEST)) {
            assertThat(first.response()).startsWith("HTTP/1.1 200");
            assertThat(second.response()).startsWith("HTTP/1.1 200");
            try (Socket third = new Socket("127.0.0.1", port)) {
                assertThat(isClosed(third)).isTrue();
            }
            try (Socket other = new Socket("127.0.0.1", port, InetAddress.getByName("127.0.0.2"), 0)) {
                other.getOutputStream().write(REQUEST.getBytes(US_ASCII));
                assertThat((char) other.getInputStream().read()).isEqualTo('H');
            }
            second.close();
            await().atMost(Duration.ofSeconds(30)).until(() -> {
                try (Socket next = new Socket("127.0.0.1", port)) {
                    next.getOutputStream().write(REQUEST.getBytes(US_ASCII));
                    return next.getInputStream().read() == 'H';
                } catch (SocketException closed) {
                    return false;
                }
            });
        } finally {
            get(vertx.close());
        }
    }

    private static boolean isClosed(Socket socket) throws IOException {
        try {
            return socket.getInputStream().read() < 0;
        } catch (SocketException reset) {
            return true;
        }
    }
}
