package dev.sluice.local;

import static dev.sluice.local.Victims.PATIENCE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Faults of streaming and of its broker, under records of every kind: what the console says at the end is what was
 * stored, to the record. A short form in each build; {@code make fault-test} is the long one.
 */
class StreamingFaultIT {
    private static final int ROUNDS = Integer.getInteger("fault.rounds", 2);
    private static final Path REPORT = Processes.HOME.resolve("local/target/fault-test/streaming.md");
    private static final String TOPIC = "events";
    /** What streaming says between two batches, and within one. */
    private static final String AWAY = "Kafka does not answer";

    private static final String AGAIN = "the query is started again";

    @TempDir
    Path folder;

    private final int port = RealBroker.freePort();
    private final List<Process> processes = new ArrayList<>();
    private RealBroker broker;

    @BeforeEach
    void start() throws Exception {
        broker = RealBroker.start(folder.resolve("kafka"));
        RealTopics.create(broker, 4, TOPIC);
    }

    @AfterEach
    void stop() {
        processes.forEach(process -> process.destroyForcibly().onExit().join());
        broker.close();
    }

    @Test
    void streamingKilled() throws Exception {
        Process streaming = streaming();
        try (Records records = new Records(broker.bootstrapServers(), TOPIC)) {
            for (int round = 0; round < ROUNDS; round++) {
                if (round % 3 < 2) {
                    awaitMore();
                }
                // anywhere in a batch, or (the third time) in the start
                int millis = ThreadLocalRandom.current().nextInt(3_000);
                await().pollDelay(Duration.ofMillis(millis)).until(() -> true);
                streaming.destroyForcibly().onExit().get(1, TimeUnit.MINUTES);
                streaming = streaming();
            }
            awaitMore();
            assertAllCounted(records.end());
            report(records.end());
        }
        streaming.destroy();
        assertThat(streaming.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(streaming.exitValue()).isZero();
    }

    @Test
    void streamingStoppedUnderLoad_endsWithStatusZero_andGoesOn() throws Exception {
        Process streaming = streaming();
        try (Records records = new Records(broker.bootstrapServers(), TOPIC)) {
            awaitMore();
            long start = System.nanoTime();
            streaming.destroy();
            assertThat(streaming.waitFor(10, TimeUnit.SECONDS)).isTrue();
            assertThat(streaming.exitValue()).isZero();
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
            streaming();
            awaitMore();
            assertAllCounted(records.end());
        }
    }

    /** Tasks give up after five seconds here, instead of two minutes; and wait for each fetch, so that it hits them. */
    @Test
    void brokerStuckWithinBatch_queryStartsItselfAgain() throws Exception {
        Process streaming = streaming(
                Map.of("KAFKA_CONSUMER_FETCH_MIN_BYTES", "50000000", "KAFKA_CONSUMER_FETCH_MAX_WAIT_MS", "1500"),
                "-Dspark.network.timeout=5s",
                "-Dspark.executor.heartbeatInterval=1s",
                "-Dspark.storage.blockManagerHeartbeatTimeoutMs=100000");
        try (Records records = new Records(broker.bootstrapServers(), TOPIC)) {
            // one that hits between two batches is no trouble
            for (int attempt = 0; attempt < 20 && occurrences(AGAIN) == 0; attempt++) {
                awaitMore();
                awaitTrouble(() -> broker.signal("STOP"));
                broker.signal("CONT");
            }
            assertThat(log()).contains(AGAIN);
            await().atMost(PATIENCE).until(() -> Processes.isReady(port));
            awaitMore();
            assertAllCounted(records.end());
        }
        assertThat(streaming.isAlive()).isTrue();
    }

    @Test
    void brokerAway_isSurvived_topicDeleted_isNot() throws Exception {
        Process streaming = streaming();
        Map<String, Long> sent;
        try (Records records = new Records(broker.bootstrapServers(), TOPIC)) {
            awaitMore();
            awaitTrouble(broker::kill);
            assertThat(Processes.status(port, "/health/live")).isEqualTo(200);
            broker = broker.restart();
            awaitMore();
            sent = records.end();
        }
        assertAllCounted(sent);
        assertThat(streaming.isAlive()).isTrue();

        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            admin.deleteTopics(List.of(TOPIC)).all().get(1, TimeUnit.MINUTES);
        }
        assertThat(streaming.waitFor(3, TimeUnit.MINUTES)).isTrue();
        assertThat(streaming.exitValue()).isEqualTo(1);
        assertThat(lastLine()).startsWith("The query failed: ").contains("UnknownTopicOrPartition");
    }

    @Test
    void start_thatCannotSucceed_saysAllReasonsAtOnce() throws Exception {
        Path checkpoint = folder.resolve("checkpoint");
        Files.createDirectories(checkpoint.resolve("offsets"));
        Files.writeString(checkpoint.resolve("offsets/0"), "v1");
        Files.writeString(
                checkpoint.resolve("sluice.json"),
                "{\"format\":2,\"partitions\":2,\"windowMillis\":60000,\"slideMillis\":60000,\"topics\":[\"events\"]}");
        try (java.net.ServerSocket taken = new java.net.ServerSocket(port)) {
            Process refused = streaming(Map.of("TRIGGER", "soon"));
            assertThat(refused.waitFor(1, TimeUnit.MINUTES)).isTrue();
            assertThat(refused.exitValue()).isEqualTo(1);
            assertThat(log())
                    .contains("STREAMING_PORT=" + taken.getLocalPort())
                    .contains("TRIGGER=soon")
                    .contains("WINDOW=10s: the checkpoint")
                    .contains("WINDOW=1m again");
        }
    }

    private interface Fault {
        void inject() throws Exception;
    }

    /**
     * Injects it, and waits until streaming says that Kafka is away: between two batches at once, within one when its tasks
     * have waited for two minutes.
     */
    private void awaitTrouble(Fault fault) throws Exception {
        int before = occurrences(AWAY) + occurrences(AGAIN);
        fault.inject();
        await().atMost(PATIENCE.multipliedBy(2)).until(() -> occurrences(AWAY) + occurrences(AGAIN) > before);
    }

    private Process streaming() throws IOException {
        return streaming(Map.of());
    }

    private Process streaming(Map<String, String> more, String... options) throws IOException {
        Map<String, String> environment = new HashMap<>();
        environment.put("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrapServers());
        environment.put("CHECKPOINT_DIR", folder.resolve("checkpoint").toUri().toString());
        environment.put("STREAMING_PORT", Integer.toString(port));
        environment.put("TRIGGER", "200ms");
        environment.put("WINDOW", "10s");
        // so that an outage of seconds shows
        environment.put("KAFKA_CONSUMER_DEFAULT_API_TIMEOUT_MS", "5000");
        environment.put("KAFKA_CONSUMER_REQUEST_TIMEOUT_MS", "3000");
        environment.putAll(more);
        List<String> arguments = new ArrayList<>(List.of("-Xmx512m"));
        arguments.addAll(List.of(options));
        arguments.addAll(List.of("-jar", Processes.artifact("streaming/target/sluice-streaming.jar")));
        Process process =
                Processes.java(folder.resolve("streaming.log"), environment, arguments.toArray(String[]::new));
        processes.add(process);
        return process;
    }

    /** Until more is counted than is now. */
    private void awaitMore() throws IOException {
        long before = sum(counts());
        Process streaming = processes.get(processes.size() - 1);
        await().atMost(PATIENCE).until(() -> {
            assertThat(streaming.isAlive()).as(log()).isTrue();
            return sum(counts()) > before;
        });
    }

    private void assertAllCounted(Map<String, Long> sent) throws Exception {
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(counts()).isEqualTo(sent));
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(Processes.metric(port, "sluice_lag_records{"))
                .isZero());
        assertThat(Processes.metric(port, "sluice_rows_unaccounted ")).isZero();
        assertThat(Processes.metric(port, "sluice_rows_dropped_total ")).isZero();
    }

    private void report(Map<String, Long> sent) throws IOException {
        Map<String, Long> counted = counts();
        long differences = sent.entrySet().stream()
                .mapToLong(entry -> Math.abs(entry.getValue() - counted.getOrDefault(entry.getKey(), 0L)))
                .sum();
        Files.createDirectories(REPORT.getParent());
        Files.writeString(
                REPORT,
                "\n| SIGKILL of streaming | records | duplicates among them | differences |\n|---|---|---|---|\n| "
                        + ROUNDS + " | " + sum(sent) + " | " + Records.duplicates(sent) + " | " + differences + " |\n");
    }

    private Map<String, Long> counts() throws IOException {
        return new Console(folder.resolve("streaming.log")).totals();
    }

    private static long sum(Map<String, Long> counts) {
        return counts.values().stream().mapToLong(Long::longValue).sum();
    }

    private String log() throws IOException {
        return Processes.text(folder.resolve("streaming.log"));
    }

    private int occurrences(String text) throws IOException {
        return log().split(text, -1).length - 1;
    }

    private String lastLine() throws IOException {
        List<String> lines = log().lines().toList();
        return lines.get(lines.size() - 1);
    }
}
