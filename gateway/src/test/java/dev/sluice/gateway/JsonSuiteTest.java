package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.json;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.events.Rejection;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.junit5.VertxExtension;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The gateway and the public JSON parsing suite agree on what is JSON. */
@ExtendWith({VertxExtension.class, EventLoopWatch.class})
class JsonSuiteTest {
    /** What says that bytes are not JSON; deep nesting is JSON, but no parser has to take it. */
    private static final Set<Rejection> NO_JSON = Set.of(
            Rejection.EMPTY_BODY,
            Rejection.INVALID_JSON,
            Rejection.BYTE_ORDER_MARK,
            Rejection.NOT_A_NUMBER,
            Rejection.COMMENT,
            Rejection.TRAILING_COMMA,
            Rejection.TRAILING_TEXT,
            Rejection.INVALID_UTF8);

    @TempDir
    static Path folder;

    private static Fixture gateway;

    record Case(String name, byte[] bytes) {
        boolean isJson() {
            return name.startsWith("y_");
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Case> cases() throws IOException {
        try (InputStream in = JsonSuiteTest.class.getResourceAsStream("json-test-suite.tsv")) {
            List<Case> cases = new String(in.readAllBytes(), UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(line -> line.split("\t", -1))
                    .map(parts -> new Case(parts[0], Base64.getDecoder().decode(parts[1])))
                    .collect(Collectors.toCollection(ArrayList::new));
            cases.add(new Case(
                    "n_structure_100000_opening_arrays", "[".repeat(100_000).getBytes(UTF_8)));
            cases.add(new Case(
                    "n_structure_open_array_object", "[{\"\":".repeat(50_000).getBytes(UTF_8)));
            assertThat(cases).hasSize(283);
            return cases.stream();
        }
    }

    @BeforeAll
    static void start() throws Exception {
        gateway = new Fixture(folder, Map.of());
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void body(Case sample) throws Exception {
        HttpResponse<Buffer> response = gateway.post("application/json", sample.bytes());
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(codes(response).stream().noneMatch(JsonSuiteTest::isNoJson)).isEqualTo(sample.isJson());
    }

    @ParameterizedTest
    @MethodSource("cases")
    void valueInsideParams(Case sample) throws Exception {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        body.writeBytes("{\"event_type\":\"a\",\"params\":{\"v\":".getBytes(UTF_8));
        body.writeBytes(sample.bytes());
        body.writeBytes("}}".getBytes(UTF_8));
        HttpResponse<Buffer> response = gateway.post("application/json", body.toByteArray());
        assertThat(response.statusCode()).isEqualTo(sample.isJson() ? 202 : 400);
        if (!sample.isJson()) {
            assertThat(codes(response)).allMatch(JsonSuiteTest::isNoJson);
        }
    }

    private static boolean isNoJson(Rejection rejection) {
        return NO_JSON.contains(rejection) || rejection == Rejection.NESTED_TOO_DEEP;
    }

    private static List<Rejection> codes(HttpResponse<Buffer> response) throws IOException {
        JsonNode problem = json(response);
        List<JsonNode> said = new ArrayList<>();
        problem.path("rejected").forEach(said::add);
        return (said.isEmpty() ? List.of(problem) : said)
                .stream()
                        .map(item -> item.get("code").asText().toUpperCase(Locale.ROOT))
                        .map(Rejection::valueOf)
                        .toList();
    }
}
