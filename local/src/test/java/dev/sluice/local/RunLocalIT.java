package dev.sluice.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.Golden;
import dev.sluice.events.RealBroker;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code make run-local} starts. */
class RunLocalIT {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final long MOST_KIBIBYTES = 1_536 * 1_024;

    @TempDir
    Path folder;

    private final int httpPort = RealBroker.freePort();
    private final int managementPort = RealBroker.freePort();
    private final int streamingPort = RealBroker.freePort();
    private final int kafkaPort = RealBroker.freePort();
    private Process launcher;

    @AfterEach
    void stop() throws IOException {
        if (launcher != null) {
            children().forEach(ProcessHandle::destroyForcibly);
            launcher.destroyForcibly().onExit().join();
        }
        Path data = Processes.HOME.resolve(".sluice").resolve(Integer.toString(httpPort));
        if (Files.exists(data)) {
            try (Stream<Path> files = Files.walk(data)) {
                files.sorted(java.util.Comparator.reverseOrder())
                        .forEach(file -> file.toFile().delete());
            }
        }
    }

    @Test
    void run_prototypesEvent_isCounted_andSigtermLeavesNothing() throws Exception {
        launch("first.log", Map.of());
        awaitBanner("first.log");
        assertThat(Processes.isReady(streamingPort)).isTrue();
        assertThat(Processes.post(httpPort, Golden.PROTOTYPE).statusCode()).isEqualTo(202);
        awaitCount("first.log", "user_click late", 1);
        // the same from the private port, by way of the topic
        await().atMost(PATIENCE).until(() -> Processes.get(managementPort, "/api/counts?type=user_click")
                .body()
                .contains("\"event_type\":\"user_click\",\"outcome\":\"late\",\"count\":1,"));
        demo();
        assertThat(residentKibibytes()).isBetween(1L, MOST_KIBIBYTES);
        terminate();

        // what was stored and counted is kept
        launch("second.log", Map.of());
        awaitBanner("second.log");
        assertThat(Processes.post(httpPort, Golden.PROTOTYPE.replace("user_click", "second"))
                        .statusCode())
                .isEqualTo(202);
        awaitCount("second.log", "second late", 1);
        assertThat(new Console(folder.resolve("second.log")).totals().getOrDefault("user_click late", 1L))
                .isEqualTo(1);
        terminate();
    }

    /** What a new user is to see at once: every outcome that a sender can bring about, and refusals. */
    private void demo() throws Exception {
        Process demo = Processes.java(
                folder.resolve("demo.log"),
                Map.of("TARGET", "http://localhost:" + httpPort, "DEMO_RATE", "2000"),
                "-Xmx64m",
                "-cp",
                Processes.artifact("local/target/sluice-local.jar"),
                "dev.sluice.local.Demo");
        try {
            for (String outcome : List.of("counted", "late", "future", "duplicate")) {
                await().atMost(PATIENCE)
                        .until(() -> Processes.get(managementPort, "/api/counts?outcome=" + outcome + "&type=page_view")
                                .body()
                                .contains("\"outcome\":\"" + outcome + "\""));
            }
            await().atMost(PATIENCE)
                    .until(() -> Processes.metric(managementPort, "sluice_events_total{outcome=\"missing_field\"") > 0);
            assertThat(demo.isAlive()).isTrue();
        } finally {
            demo.destroyForcibly().onExit().join();
        }
    }

    @Test
    void run_childKilled_takesTheRestDownAndSaysWhich() throws Exception {
        launch("killed.log", Map.of());
        awaitBanner("killed.log");
        List<ProcessHandle> all = children();
        ProcessHandle gateway = all.stream()
                .filter(child -> child.info().commandLine().orElse("").contains("sluice-gateway.jar"))
                .findFirst()
                .orElseThrow();
        gateway.destroyForcibly();
        assertThat(launcher.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(launcher.exitValue()).isEqualTo(1);
        assertThat(Processes.text(folder.resolve("killed.log")))
                .contains("The gateway process was killed by signal 9")
                .contains("gateway.log");
        assertThat(all).noneMatch(ProcessHandle::isAlive);
    }

    @Test
    void run_brokerGiven_startsNone() throws Exception {
        try (RealBroker broker = RealBroker.start(folder.resolve("kafka"))) {
            launch("external.log", Map.of("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrapServers()));
            awaitBanner("external.log");
            assertThat(RealBroker.accepts(kafkaPort)).isFalse();
            assertThat(Processes.post(httpPort, Golden.PROTOTYPE).statusCode()).isEqualTo(202);
            awaitCount("external.log", "user_click late", 1);
            terminate();
        }
    }

    @Test
    void run_portsTakenAndSettingBad_saysItAllAtOnce() throws Exception {
        try (ServerSocket http = new ServerSocket(httpPort);
                ServerSocket streaming = new ServerSocket(streamingPort);
                ServerSocket kafka = new ServerSocket(kafkaPort)) {
            launch("refused.log", Map.of("FRESH", "yes"));
            assertThat(launcher.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(launcher.exitValue()).isEqualTo(1);
            assertThat(Processes.text(folder.resolve("refused.log")))
                    .contains("HTTP_PORT=" + http.getLocalPort())
                    .contains("STREAMING_PORT=" + streaming.getLocalPort())
                    .contains("KAFKA_PORT=" + kafka.getLocalPort())
                    .contains("FRESH=yes: must be");
        }
    }

    private void launch(String log, Map<String, String> more) throws IOException {
        Map<String, String> environment = new HashMap<>(more);
        environment.put("HTTP_PORT", Integer.toString(httpPort));
        environment.put("MANAGEMENT_PORT", Integer.toString(managementPort));
        environment.put("STREAMING_PORT", Integer.toString(streamingPort));
        environment.put("KAFKA_PORT", Integer.toString(kafkaPort));
        launcher = Processes.java(
                folder.resolve(log),
                environment,
                "-Xmx64m",
                "-XX:+UseSerialGC",
                "-jar",
                Processes.artifact("local/target/sluice-local.jar"));
    }

    private void awaitBanner(String log) {
        await().atMost(PATIENCE).until(() -> {
            String text = Processes.text(folder.resolve(log));
            assertThat(launcher.isAlive()).as(text).isTrue();
            return text.contains("Sluice is running");
        });
    }

    private void awaitCount(String log, String key, long count) {
        await().atMost(PATIENCE)
                .until(() -> new Console(folder.resolve(log)).totals().getOrDefault(key, 0L) == count);
    }

    private void terminate() throws InterruptedException {
        List<ProcessHandle> all = children();
        assertThat(all).isNotEmpty();
        launcher.destroy();
        assertThat(launcher.waitFor(15, TimeUnit.SECONDS)).isTrue();
        assertThat(launcher.exitValue()).isZero();
        assertThat(all).noneMatch(ProcessHandle::isAlive);
    }

    private List<ProcessHandle> children() {
        return launcher.descendants().toList();
    }

    private long residentKibibytes() throws IOException {
        long total = 0;
        for (ProcessHandle process : Stream.concat(Stream.of(launcher.toHandle()), launcher.descendants())
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
