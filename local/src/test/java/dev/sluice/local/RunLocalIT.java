package dev.sluice.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.Golden;
import dev.sluice.events.RealBroker;
import dev.sluice.events.SecuredBroker;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code make run-local} starts. */
class RunLocalIT {
    private static final Duration PATIENCE = RunLocal.PATIENCE;
    private static final long MOST_KIBIBYTES = 1_536 * 1_024;

    @TempDir
    Path folder;

    private RunLocal sluice;

    @BeforeEach
    void start() {
        sluice = new RunLocal(folder);
    }

    @AfterEach
    void stop() throws IOException {
        sluice.close();
    }

    @Test
    void run_prototypesEvent_isCounted_andSigtermLeavesNothing() throws Exception {
        sluice.launch("first.log", Map.of());
        sluice.awaitBanner("first.log");
        assertThat(Processes.isReady(sluice.streamingPort)).isTrue();
        assertThat(Processes.post(sluice.httpPort, Golden.PROTOTYPE).statusCode())
                .isEqualTo(202);
        sluice.awaitCount("first.log", "user_click late", 1);
        // of a type that the demo does not send
        assertThat(Processes.post(sluice.httpPort, Golden.PROTOTYPE.replace("user_click", "first"))
                        .statusCode())
                .isEqualTo(202);
        sluice.awaitCount("first.log", "first late", 1);
        // the same from the private port, by way of the topic
        await().atMost(PATIENCE).until(() -> Processes.get(sluice.managementPort, "/api/counts?type=user_click")
                .body()
                .contains("\"event_type\":\"user_click\",\"outcome\":\"late\",\"count\":1,"));
        demo();
        assertThat(residentKibibytes()).isBetween(1L, MOST_KIBIBYTES);
        sluice.terminate();

        // what was stored and counted is kept
        sluice.launch("second.log", Map.of());
        sluice.awaitBanner("second.log");
        assertThat(Processes.post(sluice.httpPort, Golden.PROTOTYPE.replace("user_click", "second"))
                        .statusCode())
                .isEqualTo(202);
        sluice.awaitCount("second.log", "second late", 1);
        assertThat(new Console(folder.resolve("second.log")).totals().getOrDefault("first late", 1L))
                .isEqualTo(1);
        sluice.terminate();
    }

    /** What a new user is to see at once: every outcome that a sender can bring about, and refusals. */
    private void demo() throws Exception {
        Process demo = Processes.java(
                folder.resolve("demo.log"),
                Map.of("TARGET", "http://localhost:" + sluice.httpPort, "DEMO_RATE", "2000"),
                "-Xmx64m",
                "-cp",
                Processes.artifact("local/target/sluice-local.jar"),
                "dev.sluice.local.Demo");
        try {
            for (String outcome : List.of("counted", "late", "future", "duplicate")) {
                await().atMost(PATIENCE).until(() -> Processes.get(
                                sluice.managementPort, "/api/counts?outcome=" + outcome + "&type=page_view")
                        .body()
                        .contains("\"outcome\":\"" + outcome + "\""));
            }
            await().atMost(PATIENCE)
                    .until(() ->
                            Processes.metric(sluice.managementPort, "sluice_events_total{outcome=\"missing_field\"")
                                    > 0);
            assertThat(demo.isAlive()).isTrue();
        } finally {
            demo.destroyForcibly().onExit().join();
        }
    }

    @Test
    void run_childKilled_takesTheRestDownAndSaysWhich() throws Exception {
        sluice.launch("killed.log", Map.of());
        sluice.awaitBanner("killed.log");
        List<ProcessHandle> all = sluice.children();
        ProcessHandle gateway = all.stream()
                .filter(child -> child.info().commandLine().orElse("").contains("sluice-gateway.jar"))
                .findFirst()
                .orElseThrow();
        gateway.destroyForcibly();
        assertThat(sluice.launcher().waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(sluice.launcher().exitValue()).isEqualTo(1);
        assertThat(Processes.text(folder.resolve("killed.log")))
                .contains("The gateway process was killed by signal 9")
                .contains("gateway.log");
        assertThat(all).noneMatch(ProcessHandle::isAlive);
    }

    @Test
    void run_brokerGiven_startsNone() throws Exception {
        try (RealBroker broker = RealBroker.start(folder.resolve("kafka"))) {
            sluice.launch("external.log", Map.of("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrapServers()));
            sluice.awaitBanner("external.log");
            assertThat(RealBroker.accepts(sluice.kafkaPort)).isFalse();
            assertThat(Processes.post(sluice.httpPort, Golden.PROTOTYPE).statusCode())
                    .isEqualTo(202);
            sluice.awaitCount("external.log", "user_click late", 1);
            sluice.terminate();
        }
    }

    @Test
    void run_brokerGivenThatWantsALogin_letsAllIn() throws Exception {
        try (SecuredBroker kafka = SecuredBroker.start(folder)) {
            Map<String, String> login = new HashMap<>(kafka.scram("KAFKA_PRODUCER_", SecuredBroker.PASSWORD));
            login.putAll(kafka.scram("KAFKA_CONSUMER_", SecuredBroker.PASSWORD));
            login.put("KAFKA_BOOTSTRAP_SERVERS", kafka.broker().bootstrapServers());
            sluice.launch("secured.log", login);
            sluice.awaitBanner("secured.log");
            assertThat(Processes.post(sluice.httpPort, Golden.PROTOTYPE).statusCode())
                    .isEqualTo(202);
            sluice.awaitCount("secured.log", "user_click late", 1);
            sluice.terminate();
        }
    }

    @Test
    void run_portsTakenAndSettingBad_saysItAllAtOnce() throws Exception {
        try (ServerSocket http = new ServerSocket(sluice.httpPort);
                ServerSocket streaming = new ServerSocket(sluice.streamingPort);
                ServerSocket kafka = new ServerSocket(sluice.kafkaPort)) {
            sluice.launch("refused.log", Map.of("FRESH", "yes"));
            assertThat(sluice.launcher().waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(sluice.launcher().exitValue()).isEqualTo(1);
            assertThat(Processes.text(folder.resolve("refused.log")))
                    .contains("HTTP_PORT=" + http.getLocalPort())
                    .contains("STREAMING_PORT=" + streaming.getLocalPort())
                    .contains("KAFKA_PORT=" + kafka.getLocalPort())
                    .contains("FRESH=yes: must be");
        }
    }

    private long residentKibibytes() throws IOException {
        long total = 0;
        for (ProcessHandle process : Stream.concat(
                        Stream.of(sluice.launcher().toHandle()),
                        sluice.launcher().descendants())
                .collect(Collectors.toList())) {
            Path status = Path.of("/proc", Long.toString(process.pid()), "status");
            for (String line : Files.readAllLines(status)) {
                if (line.startsWith("VmRSS:")) {
                    total += Long.parseLong(line.replaceAll("\\D", ""));
                }
            }
        }
        return total;
    }
}
