package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import dev.sluice.events.Rejection;
import dev.sluice.settings.Environment;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.PoolOptions;
import io.vertx.ext.web.client.HttpRequest;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** A gateway that runs, with its broker and a client. */
final class Fixture implements AutoCloseable {
    static final ObjectMapper JSON = new ObjectMapper();
    private static final int PARTITIONS = 2;

    final Settings settings;
    final WebClient client;
    final RealBroker broker;
    /** The client's own: a watch of event loops is for those of the gateway. */
    private final Vertx clients = Vertx.vertx();

    private final Gateway gateway;

    /** @param variables settings beside the ports */
    Fixture(Path folder, Map<String, String> variables) throws Exception {
        broker = RealBroker.start(folder);
        settings = settings(broker.port(), variables);
        createTopics(broker, settings.topics().all());
        gateway = new Gateway(vertx(), settings);
        get(gateway.start());
        client = WebClient.create(
                clients,
                new WebClientOptions().setDecompressionSupported(false),
                new PoolOptions().setHttp1MaxSize(64));
        awaitReady(client, settings);
    }

    @Override
    public void close() throws Exception {
        get(gateway.stop());
        get(clients.close());
        broker.close();
    }

    HttpRequest<Buffer> events() {
        return client.post(settings.httpPort(), "localhost", IngestVerticle.PATH);
    }

    HttpResponse<Buffer> post(String contentType, byte[] body) throws Exception {
        return get(events().putHeader("Content-Type", contentType).sendBuffer(Buffer.buffer(body)));
    }

    HttpResponse<Buffer> post(String contentType, String body) throws Exception {
        return get(events().putHeader("Content-Type", contentType).sendBuffer(Buffer.buffer(body)));
    }

    /** What Kafka holds of all topics, in the order of their topics and partitions; those from {@code ends} on. */
    List<ConsumerRecord<byte[], byte[]>> recordsSince(Map<TopicPartition, Long> ends) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(broker)) {
            Map<TopicPartition, Long> now = consumer.endOffsets(ends.keySet());
            consumer.assign(ends.keySet());
            ends.forEach(consumer::seek);
            List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
            while (now.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                consumer.poll(Duration.ofSeconds(1)).forEach(records::add);
            }
            return records;
        }
    }

    Map<TopicPartition, Long> ends() {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(broker)) {
            List<TopicPartition> all = new ArrayList<>();
            for (String topic : settings.topics().all()) {
                for (int i = 0; i < PARTITIONS; i++) {
                    all.add(new TopicPartition(topic, i));
                }
            }
            return consumer.endOffsets(all);
        }
    }

    double metric(String line) throws Exception {
        return management(client, settings, "/metrics")
                .bodyAsString()
                .lines()
                .filter(text -> text.startsWith(line + " "))
                .mapToDouble(text -> Double.parseDouble(text.substring(line.length() + 1)))
                .sum();
    }

    static JsonNode json(HttpResponse<Buffer> response) throws IOException {
        return JSON.readTree(response.bodyAsString());
    }

    static void assertProblem(HttpResponse<Buffer> response, Rejection rejection) throws IOException {
        assertThat(response.bodyAsString()).isNotNull();
        JsonNode problem = json(response);
        assertThat(problem.get("code").asText()).isEqualTo(rejection.code());
        assertThat(response.statusCode()).isEqualTo(rejection.status());
        assertThat(response.getHeader("Content-Type")).isEqualTo("application/problem+json");
        assertThat(problem.get("status").asInt()).isEqualTo(rejection.status());
        assertThat(problem.get("title").asText()).isEqualTo(rejection.meaning());
        assertThat(problem.get("detail").asText()).isNotBlank();
        assertThat(problem.get("retryable").asBoolean()).isEqualTo(rejection.retryable());
    }

    /** Every test runs with the checker at 100 ms; {@link EventLoopWatch} fails on a warning. */
    static Vertx vertx() {
        VertxOptions options = new VertxOptions()
                .setBlockedThreadCheckInterval(50)
                .setBlockedThreadCheckIntervalUnit(TimeUnit.MILLISECONDS)
                .setMaxEventLoopExecuteTime(100)
                .setMaxEventLoopExecuteTimeUnit(TimeUnit.MILLISECONDS)
                .setWarningExceptionTime(100)
                .setWarningExceptionTimeUnit(TimeUnit.MILLISECONDS);
        return Vertx.builder()
                .with(options)
                .withTransport(ConnectionLimit.transport(new ConnectionLimit.Most(8_192, 4_096)))
                .build();
    }

    static Settings settings(int kafkaPort, Map<String, String> more) {
        Map<String, String> variables = new HashMap<>(more);
        variables.put("KAFKA_PORT", Integer.toString(kafkaPort));
        variables.put("HTTP_PORT", Integer.toString(RealBroker.freePort()));
        variables.put("MANAGEMENT_PORT", Integer.toString(RealBroker.freePort()));
        return Settings.read(new Environment(variables));
    }

    static void createTopics(RealBroker broker, Collection<String> names) throws Exception {
        RealTopics.create(broker, PARTITIONS, names.toArray(String[]::new));
    }

    static void awaitReady(WebClient client, Settings settings) {
        await().atMost(Duration.ofSeconds(30))
                .until(() -> management(client, settings, "/health/ready").statusCode() == 200);
    }

    static HttpResponse<Buffer> management(WebClient client, Settings settings, String path) throws Exception {
        return get(client.get(settings.managementPort(), "localhost", path).send());
    }

    static KafkaConsumer<byte[], byte[]> consumer(RealBroker broker) {
        return new KafkaConsumer<>(
                Map.of("bootstrap.servers", broker.bootstrapServers()),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer());
    }

    static <T> T get(Future<T> future) throws Exception {
        return future.toCompletionStage().toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
}
