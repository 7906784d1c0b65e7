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

class OperationsTest {
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final int MANY = 20;

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

    private URI uri(String path) {
        return URI.create("http://127.0.0.1:" + port + path);
    }

    private static Settings settings(int port) {
        return Settings.read(new Environment(Map.of("STREAMING_PORT", Integer.toString(port))));
    }
}
