package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.get;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.RealBroker;
import io.vertx.core.Vertx;
import org.junit.jupiter.api.Test;

class ConnectionLimitTest {
    private static final String REQUEST = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    @Test
    void oneTooMany_waitsUntilAnotherEnds() throws Exception {
        int port = RealBroker.freePort();
        Vertx vertx =
                Vertx.builder().withTransport(ConnectionLimit.transport(2)).build();
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
}
