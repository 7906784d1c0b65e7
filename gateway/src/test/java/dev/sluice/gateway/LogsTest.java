package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a gateway writes down, as the process that it is: its log is what a cluster collects. */
class LogsTest {
    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final String SECRET = "S3cretOfASender";
    private static final String SHOP = "shop";
    private static final String ROOT = "/loggers/ROOT";
    private static final String KAFKA = "/loggers/org.apache.kafka";
    private static final Pattern REFUSED =
            Pattern.compile("Refused: sender=\"([^\"]+)\" code=(\\S+) requests=(\\d+) events=(\\d+)");

    @TempDir
    static Path folder;

    private static RealBroker broker;
    private static String key;
    private static Gateway gateway;

    /** A process of its own, on free ports. */
    private record Gateway(Process process, int port, int managementPort) implements AutoCloseable {
        static Gateway start(int kafkaPort, Redirect out, Map<String, String> settings) throws IOException {
            int port = RealBroker.freePort();
            int managementPort = RealBroker.freePort();
            ProcessBuilder builder = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-Xmx192m",
                            "-XX:+UseSerialGC",
                            "-cp",
                            System.getProperty("java.class.path"),
                            Main.class.getName())
                    .redirectInput(new File("/dev/null"))
                    .redirectError(Redirect.INHERIT)
                    .redirectOutput(out);
            Map<String, String> environment = builder.environment();
            environment.putAll(Map.of(
                    "LOG_FORMAT",
                    "auto",
                    "HTTP_PORT",
                    Integer.toString(port),
                    "MANAGEMENT_PORT",
                    Integer.toString(managementPort),
                    "KAFKA_BOOTSTRAP_SERVERS",
                    "localhost:" + kafkaPort));
            environment.putAll(settings);
            return new Gateway(builder.start(), port, managementPort);
        }

        void await(String health) {
            org.awaitility.Awaitility.await().atMost(PATIENCE).until(() -> {
                assertThat(process.isAlive()).isTrue();
                try {
                    return get(health).statusCode() == 200;
                } catch (IOException notYet) {
                    return false;
                }
            });
        }

        HttpResponse<String> get(String path) throws Exception {
            return HTTP.send(
                    HttpRequest.newBuilder(URI.create("http://localhost:" + managementPort + path))
                            .build(),
                    BodyHandlers.ofString());
        }

        /** @param headers names and values */
        HttpResponse<String> manage(String method, String path, String body, String... headers) throws Exception {
            return send(managementPort, method, path, body.getBytes(UTF_8), headers);
        }

        HttpResponse<String> post(String path, byte[] body, String... headers) throws Exception {
            return send(port, "POST", path, body, headers);
        }

        private static HttpResponse<String> send(int port, String method, String path, byte[] body, String... headers)
                throws Exception {
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
                    .method(method, BodyPublishers.ofByteArray(body));
            return HTTP.send(
                    (headers.length == 0 ? request : request.headers(headers)).build(), BodyHandlers.ofString());
        }

        HttpResponse<String> level(String path, String level) throws Exception {
            return manage("PUT", path, "{\"level\":" + level + "}", "Content-Type", "application/json");
        }

        @Override
        public void close() {
            process.destroyForcibly().onExit().join();
        }
    }

    @BeforeAll
    static void start() throws Exception {
        broker = RealBroker.start(folder.resolve("kafka"));
        RealTopics.create(broker, 1, "events");
        Path keys = folder.resolve("keys.json");
        key = NewApiKey.add(keys, "shop", List.of(), null, Quota.NONE);
        gateway = Gateway.start(
                broker.port(),
                Redirect.to(log().toFile()),
                Map.of("ACCESS_LOG", "combined", "API_KEYS_FILE", keys.toString()));
        gateway.await("/health/ready");
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
        broker.close();
    }

    @AfterEach
    void resetLevels() throws Exception {
        assertThat(gateway.level(KAFKA, "null").body()).isEqualTo("{\"level\":\"warn\"}");
        assertThat(gateway.level(ROOT, "null").body()).isEqualTo("{\"level\":\"info\"}");
    }

    @Test
    void log_ofRequestsFullOfSecrets_holdsNone_andEachLineIsJson() throws Exception {
        assertThat(gateway.level(ROOT, "\"trace\"").statusCode()).isEqualTo(200);
        assertThat(gateway.level(KAFKA, "\"trace\"").statusCode()).isEqualTo(200);
        // it would write queries down
        assertProblem(gateway.level("/loggers/io.vertx.ext.web", "\"trace\""), 403);
        assertProblem(gateway.level("/loggers/io.vertx.ext.web.impl.RouterImpl", "\"trace\""), 403);
        List<Integer> statuses = new ArrayList<>();
        String event = "{\"event_type\":\"" + SECRET + "\",\"params\":{\"a\":\"" + SECRET + "\"}}";
        List<String> bodies = List.of(
                event,
                "[" + event + ",{\"event_type\":[\"" + SECRET + "\"]}]",
                "[{\"" + SECRET + "\":1},{\"event_type\":\"" + SECRET + " x\"}]",
                "{\"event_type\":" + SECRET + "}",
                "{\"event_type\":\"a\",\"timestamp\":\"" + SECRET + "\"}",
                "{\"event_type\":\"a\",\"event_type\":\"" + SECRET + "\"}",
                event + SECRET,
                event.replace('"', '\''),
                SECRET);
        for (String body : bodies) {
            for (String token : List.of(key, "shop." + SECRET, SECRET)) {
                statuses.add(gateway.post(
                                "/api/events?" + SECRET + "=" + SECRET,
                                body.getBytes(UTF_8),
                                "Authorization",
                                "Bearer " + token,
                                "Referer",
                                "https://shop.example/cart?token=" + SECRET,
                                "Cookie",
                                SECRET)
                        .statusCode());
            }
            for (String encoding : List.of("gzip", "zstd", "deflate", SECRET)) {
                statuses.add(gateway.post(
                                "/api/events",
                                body.getBytes(UTF_8),
                                "X-API-Key",
                                key,
                                "Content-Encoding",
                                encoding,
                                "Content-Type",
                                "application/json; a=" + SECRET)
                        .statusCode());
            }
        }
        for (String path : List.of("/api/events.gif?event_type=a&p=", "/nowhere?a=", "/openapi.yaml?a=")) {
            statuses.add(Gateway.send(gateway.port, "GET", path + SECRET, new byte[0], "X-API-Key", key)
                    .statusCode());
        }
        for (String request : List.of(
                "GET /%zz?" + SECRET + " HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /a?" + SECRET + "a".repeat(5_000) + " HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /a?" + SECRET + " HTTP/1.1\r\nHost: a\r\nX-API-Key: " + SECRET + "a".repeat(9_000) + "\r\n\r\n",
                "POST /api/events?" + SECRET + " HTTP/1.1\r\nHost: a\r\nX-API-Key " + SECRET + "\r\n\r\n")) {
            try (RawHttp raw = new RawHttp(gateway.port)) {
                statuses.add(Integer.parseInt(raw.send(request).response().substring(9, 12)));
            }
        }
        assertThat(statuses).contains(200, 202, 207, 400, 401, 404, 414, 415, 431);
        await().atMost(PATIENCE).until(() -> {
            // more than once: at this level the line that says so may be among those that are dropped
            gateway.post("/api/events", SECRET.getBytes(UTF_8), "X-API-Key", key);
            return messages("access").count() >= statuses.size() && refused(SHOP, "invalid_json") > 0;
        });
        resetLevels();
        String text = Files.readString(log(), ISO_8859_1);
        assertThat(text)
                .contains("\"TRACE\"", "\"" + Refusals.class.getName())
                .doesNotContain(SECRET)
                .doesNotContain(key.substring(key.indexOf('.')));
        assertThat(lines())
                .allSatisfy(line -> assertThat(line.properties())
                        .extracting(Map.Entry::getKey)
                        .contains(
                                "@timestamp",
                                "log.level",
                                "message",
                                "log.logger",
                                "process.thread.name",
                                "service.name"))
                .allSatisfy(line -> Instant.parse(line.get("@timestamp").asText()));
    }

    @Test
    void access_isALineOfEachRequest_inTheCombinedFormat() throws Exception {
        long before = messages("access").count();
        String agent = "curl \"8\" \\ é";
        try (RawHttp raw = new RawHttp(gateway.port)) {
            raw.send("POST /api/events?a=b HTTP/1.1\r\nHost: a\r\nReferer: https://a/b?c#d\r\nUser-Agent: " + agent
                    + "\r\nContent-Length: 0\r\n\r\n");
            assertThat(raw.response()).startsWith("HTTP/1.1 401");
        }
        await().atMost(PATIENCE).until(() -> messages("access").count() > before);
        assertThat(messages("access"))
                .anyMatch(
                        line -> line.matches(
                                "127\\.0\\.0\\.1 - - \\[\\d\\d/[A-Z][a-z]{2}/\\d{4}:\\d\\d:\\d\\d:\\d\\d \\+0000]"
                                        + " \"POST /api/events HTTP/1\\.1\" 401 \\d+ \"https://a/b\" \"curl \\\\\"8\\\\\" \\\\\\\\ \\\\u00.*\""));
    }

    /** A line a second for each sender and code, and all of them together say how many there were. */
    @Test
    void refused_many_areALineASecond_withTheirNumber() throws Exception {
        long start = System.nanoTime();
        long linesBefore = refusedLines(SHOP, "not_an_object").count();
        long sumBefore = refused(SHOP, "not_an_object");
        int requests = 0;
        while (System.nanoTime() - start < Duration.ofSeconds(3).toNanos()) {
            assertThat(gateway.post("/api/events", "[1,2,3]".getBytes(UTF_8), "X-API-Key", key)
                            .statusCode())
                    .isEqualTo(400);
            requests++;
        }
        int sent = requests;
        await().atMost(PATIENCE).until(() -> refused(SHOP, "not_an_object") - sumBefore == sent);
        double seconds = (System.nanoTime() - start) / 1e9;
        assertThat(refusedLines(SHOP, "not_an_object").count() - linesBefore).isBetween(1L, (long) seconds + 1);
        assertThat(refusedLines(SHOP, "not_an_object")
                        .mapToLong(line -> Long.parseLong(line.group(4)))
                        .sum())
                .isEqualTo(3 * refused(SHOP, "not_an_object"));
    }

    @Test
    void level_changed_isSeenInTheLog_untilItIsWhatItWas() throws Exception {
        assertThat(levels().get("org.apache.kafka").asText()).isEqualTo("warn");
        assertThat(gateway.level(KAFKA, "\"Debug\"").body()).isEqualTo("{\"level\":\"debug\"}");
        assertThat(levels().get("org.apache.kafka").asText()).isEqualTo("debug");
        await().atMost(PATIENCE).until(() -> lines().stream()
                .anyMatch(line -> line.get("log.level").asText().equals("DEBUG")
                        && line.get("log.logger").asText().startsWith("org.apache.kafka.")));
        assertThat(gateway.level(KAFKA, "null").body()).isEqualTo("{\"level\":\"warn\"}");
        assertThat(gateway.level("/loggers/dev.sluice", "\"error\"").statusCode())
                .isEqualTo(200);
        assertThat(levels().get("dev.sluice.gateway.Breaker").asText()).isEqualTo("error");
        assertThat(gateway.level("/loggers/dev.sluice", "null").statusCode()).isEqualTo(200);
        assertThat(levels().get("dev.sluice.gateway.Breaker").asText()).isEqualTo("info");
    }

    @Test
    void level_ofWhatIsNone_isRefused() throws Exception {
        assertProblem(gateway.level(ROOT, "\"loud\""), 400);
        assertProblem(gateway.level(ROOT, "1"), 400);
        assertProblem(gateway.level(ROOT, "\""), 400);
        assertProblem(gateway.manage("PUT", ROOT, "", "Content-Type", "application/json"), 400);
        assertProblem(gateway.manage("PUT", ROOT, "{}", "Content-Type", "application/json"), 400);
        assertProblem(gateway.level(ROOT, "\"" + "x".repeat(2_000) + "\""), 413);
        assertProblem(gateway.level("/loggers/no.such", "\"info\""), 404);
        HttpResponse<String> post = gateway.manage("POST", ROOT, "{}", "Content-Type", "application/json");
        assertProblem(post, 405);
        assertThat(post.headers().firstValue("Allow")).contains("PUT");
        assertProblem(gateway.manage("DELETE", "/loggers", ""), 405);
        assertThat(levels().get("ROOT").asText()).isEqualTo("info");
    }

    /** What a page of another origin can have a browser send: without asking, no JSON and no PUT; and it is told no when it asks. */
    @Test
    void level_changedByAPage_isRefused() throws Exception {
        String change = "{\"level\":\"off\"}";
        assertProblem(gateway.manage("PUT", ROOT, change, "Content-Type", "text/plain"), 415);
        assertProblem(gateway.manage("PUT", ROOT, change), 415);
        assertProblem(
                gateway.manage(
                        "PUT", ROOT, change, "Content-Type", "application/json", "Origin", "http://evil.example"),
                403);
        assertProblem(gateway.manage("POST", ROOT, change, "Content-Type", "text/plain"), 405);
        HttpResponse<String> asked = gateway.manage(
                "OPTIONS",
                ROOT,
                "",
                "Origin",
                "http://evil.example",
                "Access-Control-Request-Method",
                "PUT",
                "Access-Control-Request-Headers",
                "content-type");
        assertProblem(asked, 405);
        assertThat(asked.headers().map().keySet()).noneMatch(name -> name.startsWith("access-control-"));
        assertThat(levels().get("ROOT").asText()).isEqualTo("info");
    }

    /** Nobody reads its output: it answers all the same, and says how much of its log is lost. */
    @Test
    void log_thatNobodyTakes_isDroppedAndCounted() throws Exception {
        try (Gateway mute =
                Gateway.start(RealBroker.freePort(), Redirect.PIPE, Map.of("ACCESS_LOG", "combined", "AUTH", "none"))) {
            mute.await("/health/live");
            await().atMost(PATIENCE).until(() -> {
                for (int i = 0; i < 500; i++) {
                    assertThat(mute.post("/nowhere", new byte[0]).statusCode()).isEqualTo(404);
                }
                return mute.get("/metrics")
                        .body()
                        .lines()
                        .anyMatch(line -> line.matches("sluice_log_lines_dropped_total [1-9].*"));
            });
        }
    }

    private static Path log() {
        return folder.resolve("gateway.log");
    }

    /** What is whole of it. */
    private static List<JsonNode> lines() throws IOException {
        String text = Files.readString(log());
        List<JsonNode> lines = new ArrayList<>();
        for (String line : text.substring(0, text.lastIndexOf('\n') + 1).lines().toList()) {
            lines.add(Fixture.JSON.readTree(line));
        }
        return lines;
    }

    private static Stream<String> messages(String logger) throws IOException {
        return lines().stream()
                .filter(line -> line.get("log.logger").asText().equals(logger))
                .map(line -> line.get("message").asText());
    }

    private static Stream<Matcher> refusedLines(String sender, String code) throws IOException {
        return messages(Refusals.class.getName())
                .map(REFUSED::matcher)
                .filter(line -> line.matches()
                        && line.group(1).equals(sender)
                        && line.group(2).equals(code));
    }

    private static long refused(String sender, String code) throws IOException {
        return refusedLines(sender, code)
                .mapToLong(line -> Long.parseLong(line.group(3)))
                .sum();
    }

    private static JsonNode levels() throws Exception {
        return Fixture.JSON.readTree(gateway.get("/loggers").body());
    }

    private static void assertProblem(HttpResponse<String> answer, int status) throws IOException {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
        assertThat(Fixture.JSON.readTree(answer.body()).get("status").asInt()).isEqualTo(status);
    }
}
