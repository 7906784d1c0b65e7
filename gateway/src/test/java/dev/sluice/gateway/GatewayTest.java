package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.assertProblem;
import static dev.sluice.gateway.Fixture.awaitReady;
import static dev.sluice.gateway.Fixture.consumer;
import static dev.sluice.gateway.Fixture.createTopics;
import static dev.sluice.gateway.Fixture.get;
import static dev.sluice.gateway.Fixture.management;
import static dev.sluice.gateway.Fixture.vertx;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.events.Golden;
import dev.sluice.events.RealBroker;
import dev.sluice.events.Rejection;
import dev.sluice.settings.SettingsException;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.ext.web.client.HttpRequest;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import io.vertx.junit5.VertxExtension;
import io.vertx.junit5.VertxTestContext;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The running gateway against a real broker. */
@ExtendWith({VertxExtension.class, EventLoopWatch.class})
class GatewayTest {
    private static final int MAX_EVENT_BYTES = 100_000;
    private static final int MAX_BODY_BYTES = 200_000;
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    static Path folder;

    private static RealBroker broker;
    /** The client's own: the watch is for the gateway's event loops. */
    private static final Vertx CLIENTS = Vertx.vertx();

    private static Gateway gateway;
    private static Settings settings;
    private static WebClient client;

    @BeforeAll
    static void start() throws Exception {
        broker = RealBroker.start(folder);
        createTopics(broker, List.of("events"));
        settings = settings(broker.port());
        gateway = new Gateway(vertx(), settings);
        get(gateway.start());
        client = WebClient.create(CLIENTS, new WebClientOptions(), new PoolOptions().setHttp1MaxSize(64));
        awaitReady(client, settings);
    }

    @AfterAll
    static void stop() throws Exception {
        get(gateway.stop());
        get(CLIENTS.close());
        broker.close();
    }

    static List<Golden.Valid> valid() {
        return Golden.valid();
    }

    static List<Golden.Invalid> invalid() {
        // an array is a batch
        return Golden.invalid().stream()
                .filter(sample -> sample.bytes().length == 0 || sample.bytes()[0] != '[')
                .toList();
    }

    @ParameterizedTest
    @MethodSource("valid")
    void post_event_isOnTheTopicByteForByte(Golden.Valid sample) throws Exception {
        long before = System.currentTimeMillis();
        HttpResponse<Buffer> response = post(sample.bytes());
        assertThat(response.statusCode()).isEqualTo(202);
        JsonNode receipt = JSON.readTree(response.bodyAsString());
        assertThat(receipt.get("accepted").asInt()).isEqualTo(1);
        ConsumerRecord<byte[], byte[]> record =
                read(receipt.get("partition").asInt(), receipt.get("offset").asLong());
        assertThat(record.value()).isEqualTo(sample.bytes());
        assertThat(record.key()).isNull();
        assertThat(record.timestamp()).isBetween(before, System.currentTimeMillis());
    }

    @ParameterizedTest
    @MethodSource("invalid")
    void post_fault_isAProblemAndNothingIsStored(Golden.Invalid sample) throws Exception {
        long stored = endOffsets();
        HttpResponse<Buffer> response = post(sample.bytes());
        assertProblem(response, sample.rejection());
        assertThat(JSON.readTree(response.bodyAsString()).path("field").asText(""))
                .isEqualTo(sample.field().map(field -> field.wireName()).orElse(""));
        assertThat(endOffsets()).isEqualTo(stored);
    }

    @Test
    void post_asVertxJunit5(VertxTestContext test) {
        events().sendBuffer(Buffer.buffer(Golden.PROTOTYPE))
                .onComplete(test.succeeding(response -> test.verify(() -> {
                    assertThat(response.statusCode()).isEqualTo(202);
                    test.completeNow();
                })));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "application/json",
                "application/json; charset=utf-8",
                "Application/JSON;charset=\"UTF-8\"",
                "application/x-www-form-urlencoded"
            })
    void post_mediaTypeOfAnEvent_isTaken(String type) throws Exception {
        HttpResponse<Buffer> response =
                get(events().putHeader("Content-Type", type).sendBuffer(Buffer.buffer(Golden.PROTOTYPE)));
        assertThat(response.statusCode()).isEqualTo(202);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "text/html",
                "application/xml",
                "multipart/form-data; boundary=x",
                "application/json;charset=utf-16"
            })
    void post_otherMediaType_is415(String type) throws Exception {
        HttpResponse<Buffer> response =
                get(events().putHeader("Content-Type", type).sendBuffer(Buffer.buffer(Golden.PROTOTYPE)));
        assertProblem(response, Rejection.UNSUPPORTED_MEDIA_TYPE);
    }

    @Test
    void post_otherEncoding_is415() throws Exception {
        HttpResponse<Buffer> response =
                get(events().putHeader("Content-Encoding", "br").sendBuffer(Buffer.buffer(Golden.PROTOTYPE)));
        assertProblem(response, Rejection.UNSUPPORTED_ENCODING);
    }

    @Test
    void post_largestEvent_isTakenAndOneByteMoreIsNot() throws Exception {
        assertThat(post(eventOf(MAX_EVENT_BYTES)).statusCode()).isEqualTo(202);
        assertProblem(post(eventOf(MAX_EVENT_BYTES + 1)), Rejection.EVENT_TOO_LARGE);
        assertProblem(post(eventOf(MAX_BODY_BYTES + 1)), Rejection.BODY_TOO_LARGE);
    }

    @Test
    void post_oversizeStreamed_is413() throws Exception {
        List<Buffer> chunks = IntStream.range(0, 60)
                .mapToObj(i -> Buffer.buffer(new byte[4096]))
                .toList();
        HttpResponse<Buffer> response = get(events().sendStream(new Chunks(chunks)));
        assertProblem(response, Rejection.BODY_TOO_LARGE);
    }

    @Test
    void post_endlessBody_isCutOff() throws Exception {
        try (Socket socket = new Socket("localhost", settings.httpPort())) {
            socket.getOutputStream()
                    .write("POST /api/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                            .getBytes(UTF_8));
            byte[] chunk = ("10000\r\n" + "x".repeat(65_536) + "\r\n").getBytes(UTF_8);
            int sent = 0;
            try {
                while (sent < 100 * MAX_EVENT_BYTES) {
                    socket.getOutputStream().write(chunk);
                    sent += 65_536;
                }
            } catch (IOException closed) {
                // what the test is for
            }
            assertThat(sent).isLessThan(100 * MAX_EVENT_BYTES);
        }
    }

    @Test
    void post_expectContinue_isAskedForTheBody() throws Exception {
        try (Socket socket = new Socket("localhost", settings.httpPort())) {
            socket.setSoTimeout(10_000);
            String head = "POST /api/events HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: "
                    + Golden.PROTOTYPE.length() + "\r\n\r\n";
            socket.getOutputStream().write(head.getBytes(UTF_8));
            assertThat(new String(socket.getInputStream().readNBytes(21), UTF_8))
                    .isEqualTo("HTTP/1.1 100 Continue");
            socket.getOutputStream().write(Golden.PROTOTYPE.getBytes(UTF_8));
            assertThat(new String(socket.getInputStream().readNBytes(16), UTF_8))
                    .contains("HTTP/1.1 202");
        }
    }

    @Test
    void post_hungUpHalfway_isCountedAndStoresNothing() throws Exception {
        long stored = endOffsets();
        double before = metric(Rejection.INCOMPLETE_BODY);
        try (Socket socket = new Socket("localhost", settings.httpPort())) {
            socket.getOutputStream()
                    .write("POST /api/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{".getBytes(UTF_8));
        }
        await().until(() -> metric(Rejection.INCOMPLETE_BODY) == before + 1);
        assertThat(endOffsets()).isEqualTo(stored);
    }

    @Test
    void otherMethod_is405WithAllow() throws Exception {
        for (HttpMethod method : List.of(HttpMethod.GET, HttpMethod.PUT, HttpMethod.DELETE)) {
            HttpResponse<Buffer> response = get(client.request(method, settings.httpPort(), "localhost", "/api/events")
                    .send());
            assertProblem(response, Rejection.METHOD_NOT_ALLOWED);
            assertThat(response.getHeader("Allow")).isEqualTo("POST, OPTIONS");
        }
    }

    @Test
    void otherPath_is404() throws Exception {
        HttpResponse<Buffer> response =
                get(client.post(settings.httpPort(), "localhost", "/api/event").sendBuffer(Buffer.buffer("{}")));
        assertProblem(response, Rejection.NOT_FOUND);
    }

    @Test
    void health_andMetrics_areOnThePrivatePortOnly() throws Exception {
        assertThat(management(client, settings, "/health/live").statusCode()).isEqualTo(200);
        assertThat(management(client, settings, "/health/ready").statusCode()).isEqualTo(200);
        assertThat(management(client, settings, "/metrics").bodyAsString())
                .contains("sluice_requests_total{outcome=\"accepted\"}")
                .contains("jvm_memory_used_bytes")
                .contains("kafka_producer_record_send");
        assertThat(get(client.get(settings.httpPort(), "localhost", "/metrics").send())
                        .statusCode())
                .isEqualTo(404);
    }

    @Test
    void start_portsTaken_namesBothAndLeavesNothing() throws Exception {
        Vertx other = vertx();
        assertThat(failure(new Gateway(other, settings).start()))
                .isInstanceOf(SettingsException.class)
                .hasMessageContaining("HTTP_PORT=" + settings.httpPort())
                .hasMessageContaining("MANAGEMENT_PORT=" + settings.managementPort());
        get(other.close());
    }

    @Test
    void brokerThatComesLater_isWaitedFor(@TempDir Path late) throws Exception {
        int port = RealBroker.freePort();
        Settings lateSettings = settings(port);
        Vertx other = vertx();
        Gateway early = new Gateway(other, lateSettings);
        get(early.start());
        assertThat(management(client, lateSettings, "/health/live").statusCode())
                .isEqualTo(200);
        assertThat(management(client, lateSettings, "/health/ready").statusCode())
                .isEqualTo(503);
        HttpResponse<Buffer> refused = postTo(lateSettings);
        assertProblem(refused, Rejection.KAFKA_UNAVAILABLE);
        assertThat(refused.getHeader("Retry-After")).isEqualTo("1");
        HttpResponse<Buffer> batch = get(client.post(lateSettings.httpPort(), "localhost", "/api/events")
                .sendBuffer(Buffer.buffer("[{}," + Golden.PROTOTYPE + "]")));
        assertProblem(batch, Rejection.KAFKA_UNAVAILABLE);
        JsonNode items = Fixture.json(batch).get("rejected");
        assertThat(items.get(0).get("retryable").asBoolean()).isFalse();
        assertThat(items.get(1).get("retryable").asBoolean()).isTrue();
        try (RealBroker lateBroker = RealBroker.start(late, port)) {
            createTopics(lateBroker, List.of("events"));
            awaitReady(client, lateSettings);
            assertThat(postTo(lateSettings).statusCode()).isEqualTo(202);
            get(early.stop());
        }
    }

    @Test
    void brokerStuckThenKilled_unacknowledgedIsOutcomeUnknown_andComesBack(@TempDir Path data) throws Exception {
        RealBroker first = RealBroker.start(data);
        createTopics(first, List.of("events"));
        Settings short1 = settings(
                first.port(),
                Map.of("KAFKA_PRODUCER_DELIVERY_TIMEOUT_MS", "1500", "KAFKA_PRODUCER_REQUEST_TIMEOUT_MS", "1000"));
        Gateway third = new Gateway(vertx(), short1);
        get(third.start());
        awaitReady(client, short1);
        first.signal("STOP");
        assertProblem(postTo(short1), Rejection.OUTCOME_UNKNOWN);
        first.kill();
        // whether the client still knows the topic by then is a matter of timing
        assertThat(postTo(short1).statusCode()).isEqualTo(503);
        try (RealBroker again = first.restart()) {
            await().atMost(Duration.ofSeconds(30)).until(() -> postTo(short1).statusCode() == 202);
            get(third.stop());
        }
    }

    @Test
    void stop_answersWhatIsInFlight() throws Exception {
        Settings slow = settings(broker.port(), Map.of("KAFKA_PRODUCER_LINGER_MS", "700"));
        Gateway stopping = new Gateway(vertx(), slow);
        get(stopping.start());
        awaitReady(client, slow);
        List<Future<HttpResponse<Buffer>>> answers = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            answers.add(client.post(slow.httpPort(), "localhost", "/api/events")
                    .sendBuffer(Buffer.buffer(Golden.PROTOTYPE)));
        }
        await().until(() ->
                management(client, slow, "/metrics").bodyAsString().contains("sluice_requests_in_flight 20.0"));
        get(stopping.stop());
        for (Future<HttpResponse<Buffer>> answer : answers) {
            assertThat(get(answer).statusCode()).isEqualTo(202);
        }
    }

    /** Or the next request on a connection might come as it is closed, and nobody could say what became of it. */
    @Test
    void stop_beforeThePortCloses_sendersAreToldToConnectAnew() throws Exception {
        Settings draining = settings(broker.port(), Map.of("DRAIN_DELAY", "3s"));
        Gateway stopping = new Gateway(vertx(), draining);
        get(stopping.start());
        awaitReady(client, draining);
        String request = "POST /api/events HTTP/1.1\r\nHost: x\r\nContent-Length: " + Golden.PROTOTYPE.length()
                + "\r\n\r\n" + Golden.PROTOTYPE;
        try (RawHttp kept = new RawHttp(draining.httpPort())) {
            assertThat(kept.send(request).response())
                    .startsWith("HTTP/1.1 202")
                    .doesNotContainIgnoringCase("connection: close");
            Future<Void> stopped = stopping.stop();
            assertThat(kept.send(request).response())
                    .startsWith("HTTP/1.1 202")
                    .containsIgnoringCase("connection: close");
            get(stopped);
        }
    }

    private static Settings settings(int kafkaPort) {
        return settings(kafkaPort, Map.of());
    }

    private static Settings settings(int kafkaPort, Map<String, String> more) {
        Map<String, String> variables = new java.util.HashMap<>(more);
        variables.put("MAX_EVENT_BYTES", Integer.toString(MAX_EVENT_BYTES));
        variables.put("MAX_BODY_BYTES", Integer.toString(MAX_BODY_BYTES));
        return Fixture.settings(kafkaPort, variables);
    }

    private static double metric(Rejection rejection) throws Exception {
        String line = "sluice_requests_total{outcome=\"" + rejection.code() + "\"} ";
        return management(client, settings, "/metrics")
                .bodyAsString()
                .lines()
                .filter(text -> text.startsWith(line))
                .mapToDouble(text -> Double.parseDouble(text.substring(line.length())))
                .sum();
    }

    private static HttpRequest<Buffer> events() {
        return client.post(settings.httpPort(), "localhost", "/api/events");
    }

    private static HttpResponse<Buffer> post(byte[] body) throws Exception {
        return get(events().sendBuffer(Buffer.buffer(body)));
    }

    private static HttpResponse<Buffer> postTo(Settings target) throws Exception {
        return get(
                client.post(target.httpPort(), "localhost", "/api/events").sendBuffer(Buffer.buffer(Golden.PROTOTYPE)));
    }

    private static byte[] eventOf(int bytes) {
        String empty = "{\"event_type\":\"a\",\"params\":{\"x\":\"\"}}";
        return empty.replace("\"\"", '"' + "x".repeat(bytes - empty.length()) + '"')
                .getBytes(UTF_8);
    }

    private static ConsumerRecord<byte[], byte[]> read(int partition, long offset) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(broker)) {
            TopicPartition at = new TopicPartition("events", partition);
            consumer.assign(List.of(at));
            consumer.seek(at, offset);
            List<ConsumerRecord<byte[], byte[]>> records = List.of();
            while (records.isEmpty()) {
                records = consumer.poll(Duration.ofSeconds(10)).records(at);
            }
            return records.get(0);
        }
    }

    private static long endOffsets() {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(broker)) {
            return consumer
                    .endOffsets(List.of(new TopicPartition("events", 0), new TopicPartition("events", 1)))
                    .values()
                    .stream()
                    .mapToLong(Long::longValue)
                    .sum();
        }
    }

    private static Throwable failure(Future<?> future) throws Exception {
        try {
            get(future);
        } catch (ExecutionException e) {
            return e.getCause();
        }
        throw new AssertionError("did not fail");
    }
}
