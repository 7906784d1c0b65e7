package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.assertProblem;
import static dev.sluice.gateway.Fixture.get;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.Programs;
import dev.sluice.events.RealBroker;
import dev.sluice.events.Rejection;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.junit5.VertxExtension;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Pages of another origin, in a real browser. */
@ExtendWith({VertxExtension.class, EventLoopWatch.class})
class BrowserTest {
    private static final String CHROMIUM = "chromium";

    @TempDir
    static Path folder;

    private static final int PAGE_PORT = RealBroker.freePort();
    private static Fixture gateway;
    private static Vertx vertx;

    @BeforeAll
    static void start() throws Exception {
        gateway = new Fixture(folder.resolve("kafka"), Map.of("CORS_ORIGINS", "http://localhost:" + PAGE_PORT));
        vertx = Vertx.vertx();
    }

    @AfterAll
    static void stop() throws Exception {
        get(vertx.close());
        gateway.close();
    }

    @Test
    void page_sendsByFetchBeaconAndImage() throws Exception {
        Programs.require(CHROMIUM);
        Map<TopicPartition, Long> before = gateway.ends();
        String report = visit("http://localhost:" + PAGE_PORT + "/");
        assertThat(report)
                .isEqualTo(
                        "fetch json 202,fetch ndjson 202,beacon text true,beacon blob true,image 1x1,broken image error");
        await().atMost(Duration.ofSeconds(20))
                .until(() -> gateway.recordsSince(before).size() == 6);
        assertThat(gateway.recordsSince(before).stream().map(BrowserTest::value))
                .containsExactlyInAnyOrder(
                        "{\"event_type\":\"fetch_json\"}",
                        "{\"event_type\":\"fetch_ndjson\",\"event_id\":\"1\"}",
                        "{\"event_type\":\"fetch_ndjson\",\"event_id\":\"2\"}",
                        "{\"event_type\":\"beacon_text\"}",
                        "{\"event_type\":\"beacon_blob\"}",
                        "{\"event_type\":\"image\",\"timestamp\":5,\"params\":{\"page\":\"/é?a=1&b\"}}");
    }

    @Test
    void page_ofAnotherOrigin_isRefusedAndStoresNothing() throws Exception {
        Programs.require(CHROMIUM);
        Map<TopicPartition, Long> before = gateway.ends();
        // the same server by another name is another origin
        assertThat(visit("http://127.0.0.1:" + PAGE_PORT + "/"))
                .startsWith("fetch json TypeError,fetch ndjson TypeError");
        assertThat(gateway.recordsSince(before).stream().map(BrowserTest::value))
                .allMatch(value -> value.contains("\"image\""));
    }

    @Test
    void preflight_namesWhatIsAllowed() throws Exception {
        HttpResponse<Buffer> allowed = preflight("http://localhost:" + PAGE_PORT);
        assertThat(allowed.statusCode()).isEqualTo(204);
        assertThat(allowed.getHeader("Access-Control-Allow-Origin")).isEqualTo("http://localhost:" + PAGE_PORT);
        assertThat(allowed.getHeader("Access-Control-Allow-Headers")).contains("content-type");
        assertProblem(preflight("http://evil.example"), Rejection.ORIGIN_NOT_ALLOWED);
    }

    @Test
    void cors_offByDefault_saysNothing() throws Exception {
        assertThat(Browsers.cors(List.of())).isEmpty();
    }

    @Test
    void image_fault_isAProblem() throws Exception {
        assertProblem(image("timestamp=5"), Rejection.MISSING_FIELD);
        assertProblem(image("event_type=a&event_type=b"), Rejection.DUPLICATE_FIELD);
        assertProblem(image("event_type=a&x=1&x=2"), Rejection.INVALID_QUERY);
        assertProblem(image("event_type=a&params=%7B%7D"), Rejection.INVALID_QUERY);
        assertProblem(image("event_type=a&timestamp=soon"), Rejection.WRONG_TYPE);
        assertProblem(image("event_type=a&timestamp=99999999999999999999"), Rejection.OUT_OF_RANGE);
        assertProblem(image("event_type=a%20b"), Rejection.INVALID_CHARACTER);
        HttpResponse<Buffer> image = image("event_type=a");
        assertThat(image.statusCode()).isEqualTo(200);
        assertThat(image.getHeader("Content-Type")).isEqualTo("image/gif");
        assertThat(image.getHeader("Cache-Control")).isEqualTo("no-store");
        assertThat(image.bodyAsString("ISO-8859-1")).startsWith("GIF89a");
    }

    private static HttpResponse<Buffer> preflight(String origin) throws Exception {
        return get(gateway.client
                .request(HttpMethod.OPTIONS, gateway.settings.httpPort(), "localhost", IngestVerticle.PATH)
                .putHeader("Origin", origin)
                .putHeader("Access-Control-Request-Method", "POST")
                .putHeader("Access-Control-Request-Headers", "content-type")
                .send());
    }

    private static HttpResponse<Buffer> image(String query) throws Exception {
        return get(gateway.client
                .get(gateway.settings.httpPort(), "localhost", IngestVerticle.IMAGE_PATH + "?" + query)
                .send());
    }

    /** Opens the page, and returns what its script reports. */
    private static String visit(String address) throws Exception {
        CompletableFuture<String> report = new CompletableFuture<>();
        Router router = Router.router(vertx);
        router.get("/").handler(context -> context.response()
                .putHeader("Content-Type", "text/html; charset=utf-8")
                .end(page()));
        router.post("/done").handler(context -> context.request().body().onSuccess(body -> {
            context.response().end();
            report.complete(body.toString());
        }));
        var server = get(vertx.createHttpServer().requestHandler(router).listen(PAGE_PORT, "0.0.0.0"));
        Process browser = new ProcessBuilder(
                        CHROMIUM,
                        "--headless=new",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--no-first-run",
                        "--user-data-dir=" + folder.resolve("profile"),
                        address)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("chromium.log").toFile())
                .start();
        try {
            return report.get(60, TimeUnit.SECONDS);
        } finally {
            browser.descendants().forEach(ProcessHandle::destroyForcibly);
            browser.destroyForcibly().waitFor();
            get(server.close());
        }
    }

    private static String page() {
        try (InputStream in = BrowserTest.class.getResourceAsStream("page.html")) {
            return new String(in.readAllBytes(), UTF_8)
                    .replace("GATEWAY", "http://localhost:" + gateway.settings.httpPort());
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static String value(ConsumerRecord<byte[], byte[]> record) {
        return new String(record.value(), UTF_8);
    }
}
