package dev.sluice.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Events in over HTTP, counts out on the console, every part a process: what was acknowledged is counted, once. */
class EndToEndIT {
    private static final int CONNECTIONS = 8;
    private static final int EVENTS_EACH = 1_500;
    private static final List<String> TYPES = List.of("user_click", "page.view", "cart/add", "a:b");
    private static final String ROUTES = "cart/*=carts";
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    @TempDir
    Path folder;

    private final int httpPort = RealBroker.freePort();
    private final int managementPort = RealBroker.freePort();
    private final int streamingPort = RealBroker.freePort();
    private final Map<String, Long> acknowledged = new ConcurrentHashMap<>();
    private final AtomicInteger posted = new AtomicInteger();
    private final AtomicInteger unanswered = new AtomicInteger();
    private final List<Process> processes = new ArrayList<>();
    private RealBroker broker;

    @BeforeEach
    void start() throws Exception {
        broker = RealBroker.start(folder.resolve("kafka"));
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            RealTopics.create(
                    admin, List.of(new NewTopic("events", 4, (short) 1), new NewTopic("carts", 2, (short) 1)));
        }
    }

    @AfterEach
    void stop() {
        processes.forEach(process -> process.destroyForcibly().onExit().join());
        broker.close();
    }

    @Test
    void streamingKilledUnderLoad_countsWhatWasAcknowledged() throws Exception {
        startGateway();
        Process streaming = startStreaming();
        await().atMost(PATIENCE).until(() -> console().contains("Counting topic"));
        Future<?> load = load();
        // in the middle of it, with some of it counted already
        await().atMost(PATIENCE).until(() -> !counts().isEmpty());
        assertThat(load.isDone()).isFalse();
        kill(streaming);
        startStreaming();
        load.get(2, TimeUnit.MINUTES);
        assertAllCounted();
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(Processes.metric(streamingPort, "sluice_lag_records{"))
                .isZero());
        assertThat(Processes.metric(streamingPort, "sluice_rows_unaccounted ")).isZero();
        assertThat(Processes.metric(streamingPort, "sluice_rows_dropped_total "))
                .isZero();
        assertThat(Processes.metric(streamingPort, "sluice_rows_total{")).isPositive();
    }

    @Test
    void gatewayAndBrokerKilledUnderLoad_countsWhatWasAcknowledged() throws Exception {
        Process gateway = startGateway();
        startStreaming();
        Future<?> load = load();
        await().atMost(PATIENCE).until(() -> posted.get() > CONNECTIONS * EVENTS_EACH / 4);
        kill(gateway);
        startGateway();
        await().atMost(PATIENCE).until(() -> posted.get() > CONNECTIONS * EVENTS_EACH / 2);
        broker = broker.restart();
        load.get(2, TimeUnit.MINUTES);
        // An event whose answer a kill cut off may be there or not: it was not acknowledged.
        await().atMost(PATIENCE).untilAsserted(() -> {
            Map<String, Long> counts = counts();
            acknowledged.forEach((key, count) ->
                    assertThat(counts.getOrDefault(key, 0L)).as(key).isBetween(count, count + unanswered.get()));
        });
    }

    private void assertAllCounted() {
        assertThat(acknowledged.values().stream().mapToLong(Long::longValue).sum())
                .isGreaterThan(CONNECTIONS * EVENTS_EACH / 2);
        assertThat(unanswered).hasValue(0);
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(counts()).isEqualTo(acknowledged));
    }

    /** Several connections at once; of ten events, one is invalid and one from 1973. */
    private Future<?> load() {
        ExecutorService connections = Executors.newFixedThreadPool(CONNECTIONS + 1);
        List<Future<Void>> senders = new ArrayList<>();
        for (int i = 0; i < CONNECTIONS; i++) {
            senders.add(connections.submit(this::send));
        }
        Future<?> all = connections.submit((Callable<Void>) () -> {
            for (Future<Void> sender : senders) {
                sender.get();
            }
            return null;
        });
        connections.shutdown();
        return all;
    }

    private Void send() throws InterruptedException {
        for (int i = 0; i < EVENTS_EACH; i++) {
            String type = TYPES.get(i % TYPES.size());
            int kind = i % 10;
            if (kind == 3) {
                post("{\"event_type\":\"" + type + "\",\"timestamp\":\"now\"}", Set.of(400), type + " never");
            } else if (kind == 7) {
                post("{\"event_type\":\"" + type + "\",\"timestamp\":123456789809}", Set.of(202, 503), type + " late");
            } else {
                String now = Long.toString(System.currentTimeMillis());
                post(
                        "{\"event_type\":\"" + type + "\",\"timestamp\":" + now + "}",
                        Set.of(202, 503),
                        type + " counted");
            }
        }
        return null;
    }

    /** Sends until there is an answer; only a 202 is an acknowledgement. */
    private void post(String event, Set<Integer> expected, String key) throws InterruptedException {
        for (int attempt = 0; attempt < 10_000; attempt++) {
            try {
                int status = Processes.post(httpPort, event).statusCode();
                assertThat(expected).contains(status);
                if (status == 202) {
                    acknowledged.merge(key, 1L, Long::sum);
                }
                if (status == 503) {
                    unanswered.incrementAndGet();
                    TimeUnit.MILLISECONDS.sleep(20);
                    continue;
                }
                posted.incrementAndGet();
                return;
            } catch (IOException e) {
                unanswered.incrementAndGet();
                TimeUnit.MILLISECONDS.sleep(20);
            }
        }
        throw new AssertionError("no answer to " + event);
    }

    private Process startGateway() throws Exception {
        Process gateway = start(
                "gateway.log",
                Map.of(
                        "HTTP_PORT",
                        Integer.toString(httpPort),
                        "MANAGEMENT_PORT",
                        Integer.toString(managementPort),
                        "KAFKA_HOST",
                        "localhost",
                        "KAFKA_PORT",
                        Integer.toString(broker.port()),
                        "TOPIC_ROUTES",
                        ROUTES,
                        "KAFKA_PRODUCER_DELIVERY_TIMEOUT_MS",
                        "8000",
                        "KAFKA_PRODUCER_REQUEST_TIMEOUT_MS",
                        "4000"),
                "-Xmx128m",
                "-jar",
                Processes.artifact("gateway/target/sluice-gateway.jar"));
        await().atMost(PATIENCE).until(() -> Processes.isReady(managementPort));
        return gateway;
    }

    private Process startStreaming() throws IOException {
        return start(
                "streaming.log",
                Map.of(
                        "KAFKA_BOOTSTRAP_SERVERS",
                        broker.bootstrapServers(),
                        "CHECKPOINT_DIR",
                        folder.resolve("checkpoint").toUri().toString(),
                        "STREAMING_PORT",
                        Integer.toString(streamingPort),
                        "TOPIC_ROUTES",
                        ROUTES,
                        "TRIGGER",
                        "200ms",
                        "WINDOW",
                        "10s"),
                "-Xmx512m",
                "-jar",
                Processes.artifact("streaming/target/sluice-streaming.jar"));
    }

    private Process start(String log, Map<String, String> environment, String... arguments) throws IOException {
        Process process = Processes.java(folder.resolve(log), environment, arguments);
        processes.add(process);
        return process;
    }

    private static void kill(Process process) throws InterruptedException, ExecutionException, TimeoutException {
        process.destroyForcibly().onExit().get(1, TimeUnit.MINUTES);
    }

    private String console() throws IOException {
        return Processes.text(folder.resolve("streaming.log"));
    }

    private Map<String, Long> counts() throws IOException {
        return new Console(folder.resolve("streaming.log")).totals();
    }
}
