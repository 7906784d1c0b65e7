package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.events.Golden;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.client.HttpRequest;
import io.vertx.ext.web.client.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Who may send what, with the keys that make api-key writes. */
@ExtendWith(EventLoopWatch.class)
class ApiKeysTest {
    @TempDir
    static Path folder;

    private static Path file;
    private static String any;
    private static String purchases;
    private static String expired;
    private static Fixture gateway;

    @BeforeAll
    static void start() throws Exception {
        file = folder.resolve("keys.json");
        any = NewApiKey.add(file, "any", List.of(), null, Quota.NONE);
        purchases = NewApiKey.add(
                file,
                "purchases",
                List.of("purchase.*", "refund"),
                Instant.now().plusSeconds(3_600),
                Quota.NONE);
        expired = NewApiKey.add(file, "old", List.of(), Instant.now().minusSeconds(1), Quota.NONE);
        gateway = new Fixture(folder, Map.of("API_KEYS_FILE", file.toString()));
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    @Test
    void post_withAKey_isTaken_byEitherHeader() throws Exception {
        assertThat(post("Authorization", "Bearer " + any, Golden.PROTOTYPE).statusCode())
                .isEqualTo(202);
        assertThat(post("Authorization", "bearer  " + any, Golden.PROTOTYPE).statusCode())
                .isEqualTo(202);
        assertThat(post("X-API-Key", any, Golden.PROTOTYPE).statusCode()).isEqualTo(202);
    }

    @Test
    void post_withoutAKeyThatHolds_isRefused() throws Exception {
        double before = gateway.metric("sluice_requests_total{outcome=\"unauthenticated\"}");
        List<String> tokens = List.of(
                "",
                "any",
                "any.",
                "." + any,
                any + "x",
                any.substring(0, any.length() - 1),
                "purchases" + any.substring(any.indexOf('.')),
                "nobody" + any.substring(any.indexOf('.')),
                any.toUpperCase(java.util.Locale.ROOT));
        for (String token : tokens) {
            HttpResponse<Buffer> answer = post("Authorization", "Bearer " + token, Golden.PROTOTYPE);
            assertThat(answer.statusCode()).as(token).isEqualTo(401);
            assertThat(answer.getHeader("WWW-Authenticate")).isEqualTo("Bearer realm=\"sluice\"");
            assertThat(Fixture.json(answer).get("code").asText()).isEqualTo("unauthenticated");
            assertThat(Fixture.json(answer).get("detail").asText()).doesNotContain(any.substring(4));
        }
        assertThat(gateway.post("application/json", Golden.PROTOTYPE.getBytes(java.nio.charset.StandardCharsets.UTF_8))
                        .statusCode())
                .isEqualTo(401);
        HttpResponse<Buffer> late = post("X-API-Key", expired, Golden.PROTOTYPE);
        assertThat(late.statusCode()).isEqualTo(401);
        assertThat(Fixture.json(late).get("detail").asText()).startsWith("The key old expired at ");
        assertThat(get(gateway.client
                                .get(gateway.settings.httpPort(), "localhost", "/api/events.gif?event_type=a")
                                .send())
                        .statusCode())
                .isEqualTo(401);
        assertThat(gateway.metric("sluice_requests_total{outcome=\"unauthenticated\"}") - before)
                .isEqualTo(tokens.size() + 3);
    }

    @Test
    void post_typeThatTheKeyIsNotFor_isRefused_andTheRestTaken() throws Exception {
        assertThat(post("X-API-Key", purchases, "{\"event_type\":\"purchase.done\"}")
                        .statusCode())
                .isEqualTo(202);
        HttpResponse<Buffer> one = post("X-API-Key", purchases, "{\"event_type\":\"login\"}");
        assertThat(one.statusCode()).isEqualTo(403);
        assertThat(Fixture.json(one).get("detail").asText()).isEqualTo("purchases may send purchase.*, refund.");
        HttpResponse<Buffer> some = post(
                "X-API-Key",
                purchases,
                "[{\"event_type\":\"refund\"},{\"event_type\":\"login\"},{\"event_type\":\"purchase.x\"}]");
        assertThat(some.statusCode()).isEqualTo(207);
        JsonNode body = Fixture.json(some);
        assertThat(body.get("accepted").asInt()).isEqualTo(2);
        assertThat(body.at("/rejected/0/index").asInt()).isEqualTo(1);
        assertThat(body.at("/rejected/0/code").asText()).isEqualTo("type_not_allowed");
        assertThat(body.at("/rejected/0/field").asText()).isEqualTo("event_type");
    }

    /** The answer comes before a body that never does. */
    @Test
    void post_withoutAKey_isRefusedBeforeItsBodyIsRead() throws Exception {
        try (RawHttp raw = new RawHttp(gateway.settings.httpPort())) {
            raw.send("POST /api/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
            assertThat(raw.response()).startsWith("HTTP/1.1 401");
        }
    }

    /** Keys come and go while requests do, and none of those that hold fails. */
    @Test
    void file_changed_isReadAgain() throws Exception {
        String later = NewApiKey.add(file, "later", List.of(), null, Quota.NONE);
        await().atMost(Duration.ofSeconds(30)).until(() -> {
            assertThat(post("X-API-Key", any, Golden.PROTOTYPE).statusCode()).isEqualTo(202);
            return post("X-API-Key", later, Golden.PROTOTYPE).statusCode() == 202;
        });
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        log.start();
        ((Logger) LoggerFactory.getLogger(Watch.class)).addAppender(log);
        byte[] good = Files.readAllBytes(file);
        Files.writeString(file, "{\"keys\":[{\"name\":\"no key\"}]}");
        await().atMost(Duration.ofSeconds(30)).until(() -> log.list.stream()
                .anyMatch(event -> event.getFormattedMessage().startsWith("What was read before stays")));
        assertThat(post("X-API-Key", later, Golden.PROTOTYPE).statusCode()).isEqualTo(202);
        Files.write(file, good);
        String renewed = NewApiKey.add(file, "later", List.of(), null, Quota.NONE);
        await().atMost(Duration.ofSeconds(30))
                .until(() -> post("X-API-Key", later, Golden.PROTOTYPE).statusCode() == 401);
        assertThat(post("X-API-Key", renewed, Golden.PROTOTYPE).statusCode()).isEqualTo(202);
    }

    @Test
    void file_holdsNoSecret() throws Exception {
        assertThat(Files.readString(file)).doesNotContain(any.substring(any.indexOf('.') + 1));
    }

    @Test
    void parse_wrongFile_saysWhatIsWrong() {
        Map<String, String> wrong = Map.of(
                "{}", "must be {\"keys\":[…]}",
                "{\"keys\":[{\"name\":\"a b\"}]}", "name: letters, digits",
                "{\"keys\":[{\"name\":\"a\",\"types\":\"b\"}]}", "a: types is a list of texts",
                "{\"keys\":[{\"name\":\"a\",\"types\":[\"b c\"]}]}", "a: \"b c\" is no type of events",
                "{\"keys\":[{\"name\":\"a\",\"salt\":\"AA==\"}]}", "a: salt is 16 bytes in Base64",
                "{", "is no JSON");
        wrong.forEach((text, message) -> assertThatThrownBy(
                        () -> ApiKeys.parse(text.getBytes(java.nio.charset.StandardCharsets.UTF_8)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message));
    }

    private static HttpResponse<Buffer> post(String header, String value, String body) throws Exception {
        HttpRequest<Buffer> request = gateway.client
                .post(gateway.settings.httpPort(), "localhost", "/api/events")
                .putHeader("Content-Type", "application/json")
                .putHeader(header, value);
        return get(request.sendBuffer(Buffer.buffer(body)));
    }
}
