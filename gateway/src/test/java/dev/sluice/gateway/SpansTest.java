package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.get;
import static dev.sluice.gateway.OtlpReceiver.attributes;
import static dev.sluice.gateway.OtlpReceiver.hex;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.RealBroker;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Span.SpanKind;
import io.opentelemetry.proto.trace.v1.Status.StatusCode;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.ext.web.client.WebClient;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Spans of requests to a real broker, sent to a real receiver. */
@ExtendWith(EventLoopWatch.class)
class SpansTest {
    private static final String CALLER = "00f067aa0ba902b7";
    private static final String EVENT = "{\"event_type\":\"a\"}";
    private static final AtomicInteger TRACES = new AtomicInteger();

    @TempDir
    static Path folder;

    private static OtlpReceiver receiver;
    private static Fixture fixture;

    private final String trace = String.format(Locale.ROOT, "%032x", TRACES.incrementAndGet());

    @BeforeAll
    static void start() throws Exception {
        receiver = new OtlpReceiver(false);
        fixture = new Fixture(
                folder, Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint(), "OTEL_BSP_SCHEDULE_DELAY", "50"));
    }

    @AfterAll
    static void stop() throws Exception {
        fixture.close();
        receiver.close();
    }

    @Test
    void post_ofATrace_hasTwoSpans_andItsRecordTheSecond() throws Exception {
        Map<TopicPartition, Long> before = fixture.ends();
        assertThat(post(traceparent("01"), EVENT).statusCode()).isEqualTo(202);
        ConsumerRecord<byte[], byte[]> record = fixture.recordsSince(before).get(0);
        Span request = span(SpanKind.SPAN_KIND_SERVER);
        Span send = span(SpanKind.SPAN_KIND_PRODUCER);
        assertThat(hex(request.getParentSpanId().toByteArray())).isEqualTo(CALLER);
        assertThat(send.getParentSpanId()).isEqualTo(request.getSpanId());
        assertThat(header(record, "traceparent"))
                .isEqualTo("00-" + trace + "-" + hex(send.getSpanId().toByteArray()) + "-01");
        assertThat(header(record, "tracestate")).isEqualTo("shop=1");
        assertThat(request.getName()).isEqualTo("POST /api/events");
        assertThat(attributes(request))
                .containsOnly(
                        entry("http.request.method", "POST"),
                        entry("http.route", "/api/events"),
                        entry("url.path", "/api/events"),
                        entry("url.scheme", "http"),
                        entry("network.protocol.version", "1.1"),
                        entry("http.response.status_code", 202L));
        assertThat(send.getName()).isEqualTo("send events");
        assertThat(attributes(send))
                .containsOnly(
                        entry("messaging.system", "kafka"),
                        entry("messaging.operation.name", "send"),
                        entry("messaging.operation.type", "send"),
                        entry("messaging.destination.name", "events"),
                        entry("messaging.destination.partition.id", Integer.toString(record.partition())),
                        entry("messaging.kafka.offset", record.offset()));
        assertThat(receiver.text()).contains("sluice-gateway");
    }

    /** Which of the traces a bucket shows is the library's choice, and so is for how long; it is one that was sampled. */
    @Test
    void metrics_asOpenMetrics_haveTracesAsExemplars() throws Exception {
        await().untilAsserted(() -> {
            assertThat(post(traceparent("01"), EVENT).statusCode()).isEqualTo(202);
            HttpResponse<Buffer> metrics = get(fixture.client
                    .get(fixture.settings.managementPort(), "localhost", "/metrics")
                    .putHeader("Accept", "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3")
                    .send());
            assertThat(metrics.getHeader("Content-Type")).startsWith("application/openmetrics-text");
            assertThat(metrics.bodyAsString()).endsWith("# EOF\n");
            assertThat(metrics.bodyAsString().lines())
                    .anyMatch(line -> line.matches("sluice_request_duration_seconds_bucket\\{le=\"[0-9.]+\"\\} .* # \\{"
                            + "span_id=\"[0-9a-f]{16}\",trace_id=\"[0-9a-f]{32}\"\\} .*"));
        });
        assertThat(Fixture.management(fixture.client, fixture.settings, "/metrics")
                        .bodyAsString())
                .contains("sluice_request_duration_seconds_bucket")
                .doesNotContain("trace_id");
    }

    @Test
    void batch_hasOneSpanForAllThatIsSent() throws Exception {
        Map<TopicPartition, Long> before = fixture.ends();
        String batch = "[" + (EVENT + ",").repeat(500) + "7]";
        assertThat(post(traceparent("01"), batch).statusCode()).isEqualTo(207);
        Span send = span(SpanKind.SPAN_KIND_PRODUCER);
        assertThat(attributes(send)).containsEntry("messaging.batch.message_count", 500L);
        assertThat(fixture.recordsSince(before)).hasSize(500).allSatisfy(record -> assertThat(
                        header(record, "traceparent"))
                .isEqualTo("00-" + trace + "-" + hex(send.getSpanId().toByteArray()) + "-01"));
        span(SpanKind.SPAN_KIND_SERVER);
        assertThat(receiver.spansOf(trace)).hasSize(2);
    }

    @Test
    void post_withoutATrace_beginsOne() throws Exception {
        Map<TopicPartition, Long> before = fixture.ends();
        assertThat(get(fixture.events().sendBuffer(Buffer.buffer(EVENT))).statusCode())
                .isEqualTo(202);
        String[] parent =
                header(fixture.recordsSince(before).get(0), "traceparent").split("-");
        await().until(() -> receiver.spansOf(parent[1]).size() == 2);
        assertThat(receiver.spansOf(parent[1]))
                .filteredOn(span -> span.getParentSpanId().isEmpty())
                .singleElement()
                .matches(span -> span.getKind() == SpanKind.SPAN_KIND_SERVER);
    }

    @Test
    void post_ofATraceThatIsNotSampled_passesItOn_andSendsNoSpan() throws Exception {
        Map<TopicPartition, Long> before = fixture.ends();
        assertThat(post(traceparent("00"), EVENT).statusCode()).isEqualTo(202);
        assertThat(header(fixture.recordsSince(before).get(0), "traceparent"))
                .startsWith("00-" + trace + "-")
                .endsWith("-00");
        String later = String.format(Locale.ROOT, "%032x", TRACES.incrementAndGet());
        post("00-" + later + "-" + CALLER + "-01", EVENT);
        await().until(() -> receiver.spansOf(later).size() == 2);
        assertThat(receiver.spansOf(trace)).isEmpty();
    }

    @Test
    void refusal_isNoErrorOfTheServer_andNothingIsSent() throws Exception {
        assertThat(post(traceparent("01"), "{").statusCode()).isEqualTo(400);
        Span request = span(SpanKind.SPAN_KIND_SERVER);
        assertThat(attributes(request))
                .containsEntry("http.response.status_code", 400L)
                .doesNotContainKey("error.type");
        assertThat(request.getStatus().getCode()).isEqualTo(StatusCode.STATUS_CODE_UNSET);
        assertThat(receiver.spansOf(trace)).hasSize(1);
    }

    @Test
    void hungUp_isAnError() throws Exception {
        try (Socket socket = new Socket("localhost", fixture.settings.httpPort())) {
            socket.getOutputStream()
                    .write(("POST /api/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\ntraceparent: "
                                    + traceparent("01") + "\r\n\r\n{")
                            .getBytes(UTF_8));
        }
        Span request = span(SpanKind.SPAN_KIND_SERVER);
        assertThat(attributes(request))
                .containsEntry("error.type", "connection_closed")
                .doesNotContainKey("http.response.status_code");
        assertThat(request.getStatus().getCode()).isEqualTo(StatusCode.STATUS_CODE_ERROR);
    }

    @Test
    void spans_holdNothingThatASenderChose() throws Exception {
        get(fixture.client
                .request(
                        HttpMethod.GET,
                        fixture.settings.httpPort(),
                        "localhost",
                        IngestVerticle.IMAGE_PATH + "?event_type=secret&page=secret")
                .putHeader("traceparent", traceparent("01"))
                .putHeader("User-Agent", "secret")
                .putHeader("X-API-Key", "secret.secret")
                .send());
        assertThat(span(SpanKind.SPAN_KIND_SERVER).getName()).isEqualTo("GET /api/events.gif");
        span(SpanKind.SPAN_KIND_PRODUCER);
        assertThat(receiver.text()).doesNotContain("secret");
    }

    /** Nothing but the end sends these spans. */
    @Test
    void stop_sendsTheLastSpans_andThoseOfAKafkaThatIsAwayAreErrors() throws Exception {
        Vertx clients = Vertx.vertx();
        Settings away = settings(receiver);
        Gateway gateway = new Gateway(Fixture.vertx(), away);
        get(gateway.start());
        HttpResponse<Buffer> answer = get(WebClient.create(clients)
                .post(away.httpPort(), "localhost", "/api/events")
                .putHeader("traceparent", traceparent("01"))
                .sendBuffer(Buffer.buffer(EVENT)));
        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(receiver.spansOf(trace)).isEmpty();
        get(gateway.stop());
        assertThat(receiver.spansOf(trace))
                .hasSize(2)
                .allSatisfy(span -> assertThat(span.getStatus().getCode()).isEqualTo(StatusCode.STATUS_CODE_ERROR));
        assertThat(attributes(span(SpanKind.SPAN_KIND_SERVER))).containsEntry("error.type", "503");
        assertThat(attributes(span(SpanKind.SPAN_KIND_PRODUCER))).containsEntry("error.type", "kafka_unavailable");
        get(clients.close());
    }

    @Test
    void stop_doesNotWaitLongForAReceiverThatSaysNothing() throws Exception {
        Vertx clients = Vertx.vertx();
        try (OtlpReceiver silent = new OtlpReceiver(true)) {
            Settings away = settings(silent);
            Gateway gateway = new Gateway(Fixture.vertx(), away);
            get(gateway.start());
            get(WebClient.create(clients)
                    .post(away.httpPort(), "localhost", "/api/events")
                    .sendBuffer(Buffer.buffer(EVENT)));
            long start = System.nanoTime();
            get(gateway.stop());
            // the SDK itself would wait for ten
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(8));
            assertThat(silent.spans()).hasSize(2);
        }
        get(clients.close());
    }

    private static Settings settings(OtlpReceiver receiver) {
        return Fixture.settings(
                RealBroker.freePort(),
                Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint(), "OTEL_BSP_SCHEDULE_DELAY", "3600000"));
    }

    private String traceparent(String flags) {
        return "00-" + trace + "-" + CALLER + "-" + flags;
    }

    private static HttpResponse<Buffer> post(String traceparent, String body) throws Exception {
        return get(fixture.events()
                .putHeader("traceparent", traceparent)
                .putHeader("tracestate", "shop=1")
                .sendBuffer(Buffer.buffer(body)));
    }

    private Span span(SpanKind kind) {
        await().until(() -> receiver.spansOf(trace).stream().anyMatch(span -> span.getKind() == kind));
        List<Span> found = receiver.spansOf(trace).stream()
                .filter(span -> span.getKind() == kind)
                .toList();
        assertThat(found).hasSize(1);
        return found.get(0);
    }

    private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
        return new String(record.headers().lastHeader(name).value(), UTF_8);
    }
}
