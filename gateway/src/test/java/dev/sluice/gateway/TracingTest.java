package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.get;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.client.HttpRequest;
import io.vertx.ext.web.client.HttpResponse;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Traces on a real broker, without anywhere to send spans to. */
@ExtendWith(EventLoopWatch.class)
class TracingTest {
    private static final String PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    private static final String EVENT = "{\"event_type\":\"a\"}";

    @TempDir
    static Path folder;

    private static Fixture fixture;

    @BeforeAll
    static void start() throws Exception {
        fixture = new Fixture(folder, Map.of());
    }

    @AfterAll
    static void stop() throws Exception {
        fixture.close();
    }

    @Test
    void post_withATrace_eachRecordHasIt() throws Exception {
        assertThat(headers(send(fixture.events().putHeader("traceparent", PARENT), EVENT)))
                .containsExactly(Map.of("traceparent", PARENT));
        assertThat(headers(send(
                        fixture.events()
                                .putHeader("traceparent", PARENT)
                                .putHeader("tracestate", (Iterable<String>) List.of("shop=1", "cdn=2"))
                                .putHeader("Content-Type", "application/x-ndjson"),
                        (EVENT + "\n").repeat(50))))
                .hasSize(50)
                .containsOnly(Map.of("traceparent", PARENT, "tracestate", "shop=1,cdn=2"));
    }

    @Test
    void image_withATrace_hasIt() throws Exception {
        assertThat(headers(send(
                        fixture.client
                                .request(
                                        HttpMethod.GET,
                                        fixture.settings.httpPort(),
                                        "localhost",
                                        IngestVerticle.IMAGE_PATH + "?event_type=a")
                                .putHeader("traceparent", PARENT),
                        "")))
                .containsExactly(Map.of("traceparent", PARENT));
    }

    @Test
    void post_withoutATrace_orWithNone_hasNoHeaders() throws Exception {
        assertThat(headers(send(fixture.events(), EVENT))).containsExactly(Map.of());
        assertThat(headers(send(fixture.events().putHeader("tracestate", "a=1"), EVENT)))
                .containsExactly(Map.of());
        assertThat(headers(send(
                        fixture.events()
                                .putHeader("traceparent", PARENT.replace("00-", "0-"))
                                .putHeader("tracestate", "a=1"),
                        EVENT)))
                .containsExactly(Map.of());
    }

    private static List<ConsumerRecord<byte[], byte[]>> send(HttpRequest<Buffer> request, String body)
            throws Exception {
        Map<TopicPartition, Long> before = fixture.ends();
        HttpResponse<Buffer> answer = get(body.isEmpty() ? request.send() : request.sendBuffer(Buffer.buffer(body)));
        assertThat(answer.statusCode()).isBetween(200, 202);
        return fixture.recordsSince(before);
    }

    private static List<Map<String, String>> headers(List<ConsumerRecord<byte[], byte[]>> records) {
        return records.stream().map(TracingTest::headers).toList();
    }

    private static Map<String, String> headers(ConsumerRecord<byte[], byte[]> record) {
        Map<String, String> headers = new HashMap<>();
        record.headers().forEach(header -> headers.put(header.key(), new String(header.value(), UTF_8)));
        return headers;
    }
}
