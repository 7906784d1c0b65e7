package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.awaitReady;
import static dev.sluice.gateway.Fixture.get;
import static dev.sluice.gateway.Fixture.json;
import static dev.sluice.gateway.Fixture.management;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.events.RealBroker;
import dev.sluice.settings.SettingsException;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.client.HttpRequest;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.ext.web.client.WebClient;
import io.vertx.junit5.VertxExtension;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A gateway with a spool, and a Kafka that is not there. */
@ExtendWith({VertxExtension.class, EventLoopWatch.class})
class SpoolingTest {
    @TempDir
    Path folder;

    private final Vertx clients = Vertx.vertx();
    private final WebClient client = WebClient.create(clients);
    private final int kafkaPort = RealBroker.freePort();
    private Settings settings;
    private Gateway gateway;

    @BeforeEach
    void start() throws Exception {
        settings = settings();
        gateway = run(settings);
    }

    @AfterEach
    void stop() throws Exception {
        get(gateway.stop());
        get(clients.close());
    }

    @Test
    void withoutKafka_eventsAreKept_acrossARestart_andReplayedInOrder() throws Exception {
        awaitReady(client, settings);
        for (int i = 0; i < 50; i++) {
            HttpResponse<Buffer> answer =
                    get(events().putHeader("traceparent", traceparent(i)).sendBuffer(Buffer.buffer(event(i))));
            assertThat(answer.statusCode()).isEqualTo(202);
            assertThat(json(answer).get("spooled").asInt()).isEqualTo(1);
            assertThat(json(answer).has("topic")).isFalse();
        }
        assertThat(metric("sluice_spool_events")).isEqualTo(50);
        assertThat(metric("sluice_events_total{outcome=\"spooled\"}")).isEqualTo(50);
        get(gateway.stop());
        settings = settings();
        gateway = run(settings);
        assertThat(metric("sluice_spool_events")).isEqualTo(50);
        HttpResponse<Buffer> batch = get(client.post(settings.httpPort(), "localhost", "/api/events")
                .sendBuffer(Buffer.buffer("[" + event(50) + "," + event(51) + ",{}]")));
        assertThat(batch.statusCode()).isEqualTo(207);
        assertThat(json(batch).get("spooled").asInt()).isEqualTo(2);
        try (RealBroker broker = RealBroker.start(folder.resolve("kafka"), kafkaPort)) {
            Fixture.createTopics(broker, List.of("events"));
            await().atMost(Duration.ofSeconds(60)).until(() -> metric("sluice_spool_events") == 0);
            assertThat(metric("sluice_spool_replayed_total")).isEqualTo(52);
            // now the way is direct again
            await().until(() -> json(post(52)).has("topic"));
            List<Integer> numbers = numbers(broker);
            assertThat(numbers.stream().distinct().sorted())
                    .containsExactlyElementsOf(IntStream.range(0, 53).boxed().toList());
            assertThat(inOrderPerPartition(broker)).isTrue();
            assertThat(records(broker)).allSatisfy(record -> assertThat(traceparent(record))
                    .isEqualTo(number(record) < 50 ? traceparent(number(record)) : ""));
            get(gateway.stop());
            gateway = run(settings = settings());
            assertThat(metric("sluice_spool_events")).isZero();
        }
    }

    @Test
    void recordThatKafkaNeverTakes_isSetAside_andHoldsNothingUp() throws Exception {
        String large = "{\"event_type\":\"large\",\"params\":{\"x\":\"" + "x".repeat(200_000) + "\"}}";
        assertThat(send(large).statusCode()).isEqualTo(202);
        assertThat(post(1).statusCode()).isEqualTo(202);
        get(gateway.stop());
        settings = settings(Map.of("KAFKA_PRODUCER_MAX_REQUEST_SIZE", "100000"));
        gateway = run(settings);
        try (RealBroker broker = RealBroker.start(folder.resolve("kafka"), kafkaPort)) {
            Fixture.createTopics(broker, List.of("events"));
            await().atMost(Duration.ofSeconds(60)).until(() -> metric("sluice_spool_events") == 0);
            assertThat(numbers(broker)).containsExactly(1);
        }
        assertThat(metric("sluice_spool_refused_total")).isEqualTo(1);
        assertThat(folder.resolve("spool/refused.ndjson")).hasContent(large);
    }

    @Test
    void folderInUse_orNoFolder_isSaidAtTheStart() throws Exception {
        Files.writeString(folder.resolve("file"), "");
        for (String name : List.of("spool", "file")) {
            Vertx vertx = Fixture.vertx();
            Settings same = Fixture.settings(
                    kafkaPort, Map.of("SPOOL_DIR", folder.resolve(name).toString()));
            try {
                get(new Gateway(vertx, same).start());
                assertThat(name).isEqualTo("refused");
            } catch (ExecutionException e) {
                assertThat(e.getCause())
                        .isInstanceOf(SettingsException.class)
                        .hasMessageContaining("SPOOL_DIR=" + folder.resolve(name));
            }
            get(vertx.close());
        }
    }

    private Settings settings() {
        return settings(Map.of());
    }

    private Settings settings(Map<String, String> more) {
        Map<String, String> variables = new java.util.HashMap<>(more);
        variables.put("SPOOL_DIR", folder.resolve("spool").toString());
        variables.put("RECORD_KEY", "event_type");
        return Fixture.settings(kafkaPort, variables);
    }

    private static Gateway run(Settings settings) throws Exception {
        Gateway gateway = new Gateway(Fixture.vertx(), settings);
        get(gateway.start());
        return gateway;
    }

    private static String event(int number) {
        return "{\"event_type\":\"a\",\"params\":{\"number\":" + number + "}}";
    }

    private HttpResponse<Buffer> post(int number) throws Exception {
        return send(event(number));
    }

    private HttpResponse<Buffer> send(String body) throws Exception {
        return get(events().sendBuffer(Buffer.buffer(body)));
    }

    private HttpRequest<Buffer> events() {
        return client.post(settings.httpPort(), "localhost", "/api/events");
    }

    private static String traceparent(int number) {
        return String.format(Locale.ROOT, "00-4bf92f3577b34da6a3ce929d0e0e4736-%016x-01", number + 1);
    }

    private static String traceparent(ConsumerRecord<byte[], byte[]> record) {
        Header header = record.headers().lastHeader("traceparent");
        return header == null ? "" : new String(header.value(), UTF_8);
    }

    private double metric(String name) throws Exception {
        return management(client, settings, "/metrics")
                .bodyAsString()
                .lines()
                .filter(line -> line.startsWith(name + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
                .sum();
    }

    private static List<Integer> numbers(RealBroker broker) {
        return records(broker).stream().map(SpoolingTest::number).toList();
    }

    private static int number(ConsumerRecord<byte[], byte[]> record) {
        try {
            JsonNode event = Fixture.JSON.readTree(new String(record.value(), UTF_8));
            return event.get("params").get("number").asInt();
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static boolean inOrderPerPartition(RealBroker broker) {
        return Stream.of(0, 1).allMatch(partition -> {
            List<Integer> numbers = records(broker).stream()
                    .filter(record -> record.partition() == partition)
                    .map(SpoolingTest::number)
                    .toList();
            return numbers.equals(numbers.stream().sorted().toList());
        });
    }

    private static List<ConsumerRecord<byte[], byte[]>> records(RealBroker broker) {
        try (var consumer = Fixture.consumer(broker)) {
            List<TopicPartition> all = List.of(new TopicPartition("events", 0), new TopicPartition("events", 1));
            consumer.assign(all);
            consumer.seekToBeginning(all);
            Map<TopicPartition, Long> ends = consumer.endOffsets(all);
            List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
            while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                consumer.poll(Duration.ofSeconds(1)).forEach(records::add);
            }
            return records;
        }
    }
}
