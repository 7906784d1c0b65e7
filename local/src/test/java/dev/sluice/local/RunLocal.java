package dev.sluice.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.RealBroker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** {@code make run-local}, on free ports. */
final class RunLocal implements AutoCloseable {
    static final Duration PATIENCE = Duration.ofMinutes(2);

    final int httpPort = RealBroker.freePort();
    final int managementPort = RealBroker.freePort();
    final int streamingPort = RealBroker.freePort();
    final int kafkaPort = RealBroker.freePort();
    private final Path folder;
    private Process launcher;

    /** @param folder of the logs */
    RunLocal(Path folder) {
        this.folder = folder;
    }

    /** Starts it, and waits for nothing. */
    void launch(String log, Map<String, String> more) throws IOException {
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

    void awaitBanner(String log) {
        await().atMost(PATIENCE).until(() -> {
            String text = Processes.text(folder.resolve(log));
            assertThat(launcher.isAlive()).as(text).isTrue();
            return text.contains("Sluice is running");
        });
    }

    void awaitCount(String log, String key, long count) {
        await().atMost(PATIENCE)
                .until(() -> new Console(folder.resolve(log)).totals().getOrDefault(key, 0L) == count);
    }

    Process launcher() {
        return launcher;
    }

    List<ProcessHandle> children() {
        return launcher.descendants().toList();
    }

    /** Stops it as Ctrl-C does: nothing is left. */
    void terminate() throws InterruptedException {
        List<ProcessHandle> all = children();
        assertThat(all).isNotEmpty();
        launcher.destroy();
        assertThat(launcher.waitFor(15, TimeUnit.SECONDS)).isTrue();
        assertThat(launcher.exitValue()).isZero();
        assertThat(all).noneMatch(ProcessHandle::isAlive);
    }

    /** By force, and without a trace. */
    @Override
    public void close() throws IOException {
        if (launcher != null) {
            children().forEach(ProcessHandle::destroyForcibly);
            launcher.destroyForcibly().onExit().join();
        }
        Path data = Processes.HOME.resolve(".sluice").resolve(Integer.toString(httpPort));
        if (Files.exists(data)) {
            try (Stream<Path> files = Files.walk(data)) {
                files.sorted(Comparator.reverseOrder())
                        .forEach(file -> file.toFile().delete());
            }
        }
    }
}
