package dev.sluice.streaming;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.events.RealBroker;
import dev.sluice.settings.Environment;
import dev.sluice.settings.SettingsException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

class OperationsTest {
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final int MANY = 20;
    private static final String ROOT = "/loggers/ROOT";
    private static final String[] JSON = {"Content-Type", "application/json"};

    private final int port = RealBroker.freePort();
    private final Health health = new Health(Duration.ofSeconds(1), System::nanoTime);
    private Operations operations;

    @BeforeEach
    void start() throws IOException {
        operations = new Operations(settings(port), new Metrics(), health);
    }

    @AfterEach
    void stop() {
        operations.close();
    }

    @Test
    void health_followsTheQuery() throws Exception {
        assertThat(get("/health/live").statusCode()).isEqualTo(200);
        assertThat(get("/health/ready").statusCode()).isEqualTo(503);
        health.counting();
        assertThat(get("/health/ready").body()).isEqualTo("{\"status\":\"ready\"}");
        health.ended();
        assertThat(get("/health/live").statusCode()).isEqualTo(503);
        assertThat(get("/health/ready").statusCode()).isEqualTo(503);
    }

    @Test
    void metrics_isPrometheusText() throws Exception {
        HttpResponse<String> metrics = get("/metrics");
        assertThat(metrics.headers().firstValue("Content-Type").orElseThrow()).startsWith("text/plain; version=0.0.4");
        assertThat(metrics.body())
                .contains("sluice_rows_total{outcome=\"late\"} 0.0", "sluice_rows_unaccounted 0.0", "jvm_memory_used");
    }

    @Test
    void request_otherPathOrMethod_isRefused() throws Exception {
        assertThat(get("/").statusCode()).isEqualTo(404);
        assertThat(get("/metrics/more").statusCode()).isEqualTo(404);
        HttpRequest post = HttpRequest.newBuilder(uri("/metrics"))
                .POST(BodyPublishers.ofString("x"))
                .build();
        assertThat(HTTP.send(post, BodyHandlers.ofString()).statusCode()).isEqualTo(405);
    }

    @Test
    void level_changed_holds_untilItIsWhatItWas() throws Exception {
        Logger ours = LoggerFactory.getLogger(OperationsTest.class);
        assertThat(ours.isDebugEnabled()).isFalse();
        assertThat(put("/loggers/dev.sluice", "{\"level\":\"debug\"}", JSON).body())
                .isEqualTo("{\"level\":\"debug\"}");
        assertThat(ours.isDebugEnabled()).isTrue();
        assertThat(get("/loggers").body()).contains("\"dev.sluice\":\"debug\"", "\"ROOT\":\"warn\"");
        assertThat(put("/loggers/dev.sluice", "{\"level\":null}", JSON).body()).isEqualTo("{\"level\":\"warn\"}");
        assertThat(ours.isDebugEnabled()).isFalse();
        String hadoop = "/loggers/org.apache.hadoop.util.NativeCodeLoader";
        assertThat(put(hadoop, "{\"level\":\"OFF\"}", JSON).body()).isEqualTo("{\"level\":\"off\"}");
        assertThat(put(hadoop, "{\"level\":null}", JSON).body()).isEqualTo("{\"level\":\"error\"}");
        assertThat(put(ROOT, "{\"level\":\"info\"}", JSON).body()).isEqualTo("{\"level\":\"info\"}");
        assertThat(ours.isInfoEnabled()).isTrue();
        assertThat(put(ROOT, "{\"level\":null}", JSON).body()).isEqualTo("{\"level\":\"warn\"}");
        assertThat(ours.isInfoEnabled()).isFalse();
    }

    @Test
    void level_ofWhatIsNone_orByAPage_isRefused() throws Exception {
        String off = "{\"level\":\"off\"}";
        assertProblem(put(ROOT, "{\"level\":\"loud\"}", JSON), 400);
        assertProblem(put(ROOT, "{", JSON), 400);
        assertProblem(put(ROOT, "", JSON), 400);
        assertProblem(put(ROOT, " ".repeat(2_000), JSON), 413);
        assertProblem(put("/loggers/no.such", off, JSON), 404);
        assertProblem(get("/loggersx"), 404);
        assertProblem(get(ROOT), 405);
        assertProblem(put(ROOT, off, "Content-Type", "text/plain"), 415);
        assertProblem(put(ROOT, off, "Accept", "*/*"), 415);
        assertProblem(put(ROOT, off, "Content-Type", "application/json", "Origin", "http://evil.example"), 403);
        HttpResponse<String> asked = HTTP.send(
                HttpRequest.newBuilder(uri(ROOT))
                        .method("OPTIONS", BodyPublishers.noBody())
                        .headers("Origin", "http://evil.example", "Access-Control-Request-Method", "PUT")
                        .build(),
                BodyHandlers.ofString());
        assertProblem(asked, 405);
        assertThat(asked.headers().map().keySet()).noneMatch(name -> name.startsWith("access-control-"));
        assertThat(get("/loggers").body()).contains("\"ROOT\":\"warn\"");
    }

    @Test
    void request_connectionsThatSendNothing_doNotKeepOthersOut() throws Exception {
        List<Socket> silent = new ArrayList<>();
        try {
            for (int i = 0; i < MANY; i++) {
                Socket socket = new Socket("127.0.0.1", port);
                socket.getOutputStream().write("GET /hea".getBytes(StandardCharsets.ISO_8859_1));
                silent.add(socket);
            }
            assertThat(get("/health/live").statusCode()).isEqualTo(200);
        } finally {
            for (Socket socket : silent) {
                socket.close();
            }
        }
    }

    @Test
    void checkPort_taken_isNamedWithTheOtherProblems() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            Environment environment = new Environment(
                    Map.of("STREAMING_PORT", Integer.toString(taken.getLocalPort()), "WINDOW", "never"));
            Operations.checkPort(environment, Settings.collect(environment));
            assertThatThrownBy(environment::check)
                    .isInstanceOf(SettingsException.class)
                    .hasMessageContaining("STREAMING_PORT=" + taken.getLocalPort())
                    .hasMessageContaining("WINDOW=never");
        }
    }

    private HttpResponse<String> get(String path) throws Exception {
        return HTTP.send(
                HttpRequest.newBuilder(uri(path)).timeout(Duration.ofMinutes(1)).build(), BodyHandlers.ofString());
    }

    private HttpResponse<String> put(String path, String body, String... headers) throws Exception {
        return HTTP.send(
                HttpRequest.newBuilder(uri(path))
                        .PUT(BodyPublishers.ofString(body))
                        .headers(headers)
                        .build(),
                BodyHandlers.ofString());
    }

    private static void assertProblem(HttpResponse<String> answer, int status) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
        assertThat(answer.body()).contains("\"status\":" + status);
    }

    private URI uri(String path) {
        return URI.create("http://127.0.0.1:" + port + path);
    }

    private static Settings settings(int port) {
        return Settings.read(new Environment(Map.of("STREAMING_PORT", Integer.toString(port))));
    }
}
