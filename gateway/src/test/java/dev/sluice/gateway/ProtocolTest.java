package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.assertProblem;
import static dev.sluice.gateway.Fixture.get;
import static dev.sluice.gateway.Fixture.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.events.Golden;
import dev.sluice.events.RealBroker;
import dev.sluice.events.Rejection;
import dev.sluice.settings.SettingsException;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import io.vertx.junit5.VertxExtension;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What HTTP itself allows, and what it does not. */
@ExtendWith({VertxExtension.class, EventLoopWatch.class})
class ProtocolTest {
    private static final String EVENT = "{\"event_type\":\"a\"}";
    private static final String POST = "POST /api/events HTTP/1.1\r\nHost: x\r\n";

    @TempDir
    static Path folder;

    private static Fixture gateway;
    private static Vertx vertx;

    @BeforeAll
    static void start() throws Exception {
        gateway = new Fixture(
                folder, Map.of("BODY_TIMEOUT", "500ms", "MAX_BODY_BYTES", "10000", "WEBHOOK_ORIGINS", "hooks.example"));
        // the clients' own; the gateways' event loops are the ones that are watched
        vertx = Vertx.vertx();
    }

    @AfterAll
    static void stop() throws Exception {
        get(vertx.close());
        gateway.close();
    }

    @Test
    void pipelinedRequests_areAnsweredInOrder() throws Exception {
        String good = POST + "Content-Length: " + EVENT.length() + "\r\n\r\n" + EVENT;
        String bad = POST + "Content-Length: 1\r\n\r\n{";
        try (RawHttp raw = raw().send(good + bad + good + "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n" + good)) {
            for (int status : List.of(202, 400, 202, 404, 202)) {
                assertThat(raw.response()).startsWith("HTTP/1.1 " + status);
            }
        }
    }

    @Test
    void chunkedBody_isTaken() throws Exception {
        try (RawHttp raw = raw().send(POST + "Transfer-Encoding: chunked\r\n\r\n5\r\n" + EVENT.substring(0, 5) + "\r\n"
                + Integer.toHexString(EVENT.length() - 5) + "\r\n" + EVENT.substring(5) + "\r\n0\r\n\r\n")) {
            assertThat(raw.response()).startsWith("HTTP/1.1 202");
        }
    }

    @Test
    void slowBody_is408AndTheConnectionEnds() throws Exception {
        try (RawHttp raw = raw().send(POST + "Content-Length: 50\r\n\r\n{")) {
            assertThat(raw.response())
                    .startsWith("HTTP/1.1 408")
                    .contains("\"code\":\"request_timeout\"")
                    .containsIgnoringCase("connection: close");
            assertThat(raw.isClosedByServer()).isTrue();
        }
    }

    @Test
    void slowBodyThatWasRefused_isCutOff() throws Exception {
        try (RawHttp raw = raw().send("POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n")) {
            assertThat(raw.response()).startsWith("HTTP/1.1 404");
            assertThat(raw.isClosedByServer()).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Content-Length: 20\r\nContent-Length: 21\r\n",
                "Content-Length: 99999999999999999999999\r\n",
                "Content-Length: -1\r\n",
                "Content-Length: x\r\n",
            })
    void absurdLength_isNotHttp(String header) throws Exception {
        try (RawHttp raw = raw().send(POST + header + "\r\n" + EVENT)) {
            assertThat(raw.response())
                    .startsWith("HTTP/1.1 400")
                    .contains("application/problem+json")
                    .contains("\"code\":\"invalid_request\"");
            assertThat(raw.isClosedByServer()).isTrue();
        }
    }

    @Test
    void hugeLength_isRefusedBeforeTheBody() throws Exception {
        try (RawHttp raw = raw().send(POST + "Expect: 100-continue\r\nContent-Length: 9000000000000000000\r\n\r\n")) {
            assertThat(raw.response()).startsWith("HTTP/1.1 413").contains("body_too_large");
        }
    }

    @Test
    void longHeadersAndAddress_areRefused() throws Exception {
        try (RawHttp raw = raw().send(POST + "X: " + "x".repeat(9000) + "\r\n\r\n")) {
            assertThat(raw.response()).startsWith("HTTP/1.1 431").contains("headers_too_large");
        }
        try (RawHttp raw = raw().send("GET /api/events.gif?x=" + "x".repeat(5000) + " HTTP/1.1\r\nHost: x\r\n\r\n")) {
            assertThat(raw.response()).contains(" 414 ", "uri_too_long");
        }
    }

    @Test
    void noHttp_isAnsweredAndClosed() throws Exception {
        try (RawHttp raw = raw().send("hello\r\n\r\n")) {
            assertThat(raw.response()).startsWith("HTTP/1.").contains(" 400 ").contains("invalid_request");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "HEAD   | /api/events     | 405 | POST, OPTIONS",
                "PUT    | /api/events     | 405 | POST, OPTIONS",
                "POST   | /api/events.gif | 405 | GET",
                "HEAD   | /api/events.gif | 405 | GET",
                "DELETE | /openapi.yaml   | 405 | GET, HEAD",
                "OPTIONS| /api/events     | 200 | POST, OPTIONS",
                "HEAD   | /openapi.yaml   | 200 |",
                "GET    | /               | 404 |",
                "POST   | /api/events/    | 400 |",
                "GET    | /%zz            | 400 |",
            })
    void methodAndPath(String method, String path, int status, String allow) throws Exception {
        HttpResponse<Buffer> response = get(gateway.client
                .request(HttpMethod.valueOf(method.strip()), gateway.settings.httpPort(), "localhost", path)
                .send());
        assertThat(response.statusCode()).isEqualTo(status);
        assertThat(response.getHeader("Allow")).isEqualTo(allow);
        if (status >= 400 && !method.strip().equals("HEAD")) {
            assertThat(response.getHeader("Content-Type")).isEqualTo("application/problem+json");
            assertThat(json(response).get("status").asInt()).isEqualTo(status);
        }
    }

    @Test
    void webHook_allowedOrigin_hasConsent() throws Exception {
        HttpResponse<Buffer> allowed = handshake("hooks.example");
        assertThat(allowed.statusCode()).isEqualTo(200);
        assertThat(allowed.getHeader("WebHook-Allowed-Origin")).isEqualTo("hooks.example");
        assertThat(allowed.getHeader("WebHook-Allowed-Rate")).isEqualTo("*");
        assertThat(handshake("other.example").headers().contains("WebHook-Allowed-Origin"))
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void http2ClearText_isTaken_andAnUpgradeIsNotMade(boolean upgrade) throws Exception {
        WebClient client = WebClient.create(
                vertx,
                new WebClientOptions().setProtocolVersion(HttpVersion.HTTP_2).setHttp2ClearTextUpgrade(upgrade));
        HttpResponse<Buffer> response = get(client.post(gateway.settings.httpPort(), "localhost", IngestVerticle.PATH)
                .sendBuffer(Buffer.buffer(Golden.PROTOTYPE)));
        assertThat(response.version()).isEqualTo(upgrade ? HttpVersion.HTTP_1_1 : HttpVersion.HTTP_2);
        assertThat(response.statusCode()).isEqualTo(202);
        assertProblem(
                get(client.post(gateway.settings.httpPort(), "localhost", IngestVerticle.PATH)
                        .sendBuffer(Buffer.buffer("x".repeat(10_001)))),
                Rejection.BODY_TOO_LARGE);
    }

    /** Vert.x would answer this with 400, and keep what comes behind it. */
    @Test
    void upgradeToHttp2_thatIsNone_isNotMadeEither() throws Exception {
        try (RawHttp raw = raw()) {
            raw.send("POST /api/events HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nContent-Length: "
                    + Golden.PROTOTYPE.length() + "\r\n\r\n" + Golden.PROTOTYPE);
            assertThat(raw.response()).startsWith("HTTP/1.1 202 ");
        }
    }

    @Test
    void tls_speaksBothVersions(@TempDir Path keys) throws Exception {
        Map<String, String> files = Pki.files(keys, Pki.server(Pki.authority("any")));
        Settings secure = Fixture.settings(RealBroker.freePort(), files);
        Gateway other = new Gateway(Fixture.vertx(), secure);
        get(other.start());
        for (HttpVersion version : List.of(HttpVersion.HTTP_2, HttpVersion.HTTP_1_1)) {
            WebClient client = WebClient.create(
                    vertx,
                    new WebClientOptions()
                            .setSsl(true)
                            .setTrustAll(true)
                            .setVerifyHost(false)
                            .setUseAlpn(true)
                            .setProtocolVersion(version));
            HttpResponse<Buffer> response = get(client.post(secure.httpPort(), "localhost", IngestVerticle.PATH)
                    .sendBuffer(Buffer.buffer("{}")));
            assertThat(response.version()).isEqualTo(version);
            assertThat(json(response).get("code").asText()).isEqualTo("missing_field");
        }
        get(other.stop());
    }

    @Test
    void tls_filesThatAreNone_areAProblemAtTheStart(@TempDir Path keys) throws Exception {
        Map<String, String> files = Pki.files(keys, Pki.server(Pki.authority("any")));
        Files.writeString(Path.of(files.get("TLS_KEY")), "not a key");
        Gateway other = new Gateway(vertx, Fixture.settings(RealBroker.freePort(), files));
        assertThatThrownBy(() -> get(other.start()))
                .hasCauseInstanceOf(SettingsException.class)
                .hasMessageContaining("TLS_KEY=" + files.get("TLS_KEY"));
    }

    private static HttpResponse<Buffer> handshake(String origin) throws Exception {
        return get(gateway.client
                .request(HttpMethod.OPTIONS, gateway.settings.httpPort(), "localhost", IngestVerticle.PATH)
                .putHeader("WebHook-Request-Origin", origin)
                .putHeader("WebHook-Request-Rate", "120")
                .send());
    }

    private static RawHttp raw() throws Exception {
        return new RawHttp(gateway.settings.httpPort());
    }
}
