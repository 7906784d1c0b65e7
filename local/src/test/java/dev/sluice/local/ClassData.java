package dev.sluice.local;

import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * {@code make class-data}: runs gateway and streaming once, from the start to the first count, and has the JVM write down
 * the classes that they loaded on the way (JEP 350). A JVM that is given the archive starts sooner.
 */
final class ClassData {
    private static final int EVENTS = 200;

    private ClassData() {}

    public static void main(String[] arguments) throws Exception {
        Bench.withBroker((folder, broker) -> {
            RealTopics.create(broker, Bench.PARTITIONS, "events");
            int port = RealBroker.freePort();
            Process gateway = Bench.gateway(
                    folder, port, RealBroker.freePort(), broker, Map.of(), archiveAtExit(Processes.GATEWAY_ARCHIVE));
            for (int i = 0; i < EVENTS; i++) {
                Processes.post(port, "{\"event_type\":\"a\",\"event_id\":\"" + i + "\"}");
            }
            stop(gateway);
            Path counts = folder.resolve("streaming.log");
            Process streaming = Processes.streaming(
                    counts,
                    RealBroker.freePort(),
                    broker.bootstrapServers(),
                    folder.resolve("checkpoint"),
                    Map.of("STARTING_OFFSETS", "earliest"),
                    archiveAtExit(Processes.STREAMING_ARCHIVE));
            Processes.await(() -> Processes.text(counts).contains("|counted"), streaming, counts);
            stop(streaming);
        });
        System.exit(0);
    }

    private static String archiveAtExit(Path archive) throws Exception {
        Files.deleteIfExists(archive);
        return "-XX:ArchiveClassesAtExit=" + archive;
    }

    private static void stop(Process process) throws Exception {
        process.destroy();
        if (!process.waitFor(2, TimeUnit.MINUTES)) {
            throw new IllegalStateException("A process does not stop");
        }
    }
}
