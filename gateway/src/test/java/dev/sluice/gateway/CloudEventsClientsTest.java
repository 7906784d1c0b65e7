package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.Programs;
import io.cloudevents.CloudEvent;
import io.cloudevents.core.builder.CloudEventBuilder;
import io.cloudevents.http.HttpMessageFactory;
import io.cloudevents.jackson.JsonFormat;
import io.vertx.junit5.VertxExtension;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The official CloudEvents SDKs as clients: the same event in each mode is the same record. */
@ExtendWith({VertxExtension.class, EventLoopWatch.class})
class CloudEventsClientsTest {
    @TempDir
    static Path folder;

    private static Fixture gateway;

    @BeforeAll
    static void start() throws Exception {
        gateway = new Fixture(folder, Map.of());
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    @Test
    void java_everyMode_isTheSameRecord() throws Exception {
        CloudEvent event = CloudEventBuilder.v1()
                .withId("9f1c")
                .withSource(URI.create("/shop/1"))
                .withType("purchase.done")
                .withTime(OffsetDateTime.parse("2026-01-31T08:15:30.5Z"))
                .withSubject("all 100%")
                .withExtension("attempt", 3)
                .withData("application/json", "{\"total\":12.50}".getBytes(UTF_8))
                .build();
        Map<TopicPartition, Long> before = gateway.ends();
        HttpRequest.Builder binary = request();
        HttpMessageFactory.createWriter(binary::header, body -> binary.POST(publisher(body)))
                .writeBinary(event);
        HttpRequest.Builder structured = request();
        HttpMessageFactory.createWriter(structured::header, body -> structured.POST(publisher(body)))
                .writeStructured(event, new JsonFormat());
        byte[] one = new JsonFormat().serialize(event);
        HttpRequest.Builder batched = request()
                .header("Content-Type", "application/cloudevents-batch+json")
                .POST(publisher(("[" + new String(one, UTF_8) + "," + new String(one, UTF_8) + "]").getBytes(UTF_8)));
        for (HttpRequest.Builder request : List.of(binary, structured, batched)) {
            assertThat(HttpClient.newHttpClient()
                            .send(request.build(), HttpResponse.BodyHandlers.ofString())
                            .statusCode())
                    .isEqualTo(202);
        }
        assertThat(values(before))
                .hasSize(4)
                .containsOnly("{\"event_type\":\"purchase.done\",\"timestamp\":1769847330500,"
                        + "\"event_id\":\"9f1c\",\"params\":{\"total\":12.50},\"attempt\":\"3\",\"source\":\"/shop/1\","
                        + "\"specversion\":\"1.0\",\"subject\":\"all 100%\"}");
    }

    @Test
    void javaScript_everyMode_isTheSameRecord() throws Exception {
        Programs.require("node", "npm");
        for (String name : List.of("package.json", "send.mjs")) {
            try (InputStream in = CloudEventsClientsTest.class.getResourceAsStream("cloudevents/" + name)) {
                Files.copy(in, folder.resolve(name));
            }
        }
        Programs.run(folder, "npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund");
        Map<TopicPartition, Long> before = gateway.ends();
        Programs.run(folder, "node", "send.mjs", target().toString());
        assertThat(values(before))
                .hasSize(4)
                .containsOnly("{\"event_type\":\"page.view\",\"timestamp\":1769847330500,"
                        + "\"event_id\":\"a1\",\"params\":{\"path\":\"/é\"},\"source\":\"/web\",\"specversion\":\"1.0\","
                        + "\"tenant\":\"t1\"}");
    }

    @Test
    void batch_partlyValid_namesTheOtherByIndex() throws Exception {
        String good = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\"}";
        var response = gateway.post(
                "application/cloudevents-batch+json",
                Stream.of(good, "{\"specversion\":\"0.3\"}", good, "7").collect(Collectors.joining(",", "[", "]")));
        assertThat(response.statusCode()).isEqualTo(207);
        assertThat(Fixture.json(response).get("accepted").asInt()).isEqualTo(2);
        assertThat(Fixture.json(response).at("/rejected/0/code").asText()).isEqualTo("invalid_cloudevent");
        assertThat(Fixture.json(response).at("/rejected/1/index").asInt()).isEqualTo(3);
    }

    private static List<String> values(Map<TopicPartition, Long> before) {
        return gateway.recordsSince(before).stream()
                .map(record -> new String(record.value(), UTF_8))
                .toList();
    }

    private static HttpRequest.BodyPublisher publisher(byte[] body) {
        return HttpRequest.BodyPublishers.ofByteArray(body);
    }

    private static HttpRequest.Builder request() throws IOException {
        return HttpRequest.newBuilder(target());
    }

    private static URI target() {
        return URI.create("http://localhost:" + gateway.settings.httpPort() + IngestVerticle.PATH);
    }
}
