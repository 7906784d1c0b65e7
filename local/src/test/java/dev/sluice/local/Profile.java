package dev.sluice.local;

import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * {@code make profile}: where the CPU time and the memory of gateway and streaming go, once their code is compiled, as
 * recordings of the JVM and as flame graphs of them.
 */
final class Profile {
    private static final Path FOLDER = Processes.HOME.resolve("local/target/profile");
    private static final int SECONDS = 20;
    private static final int CONNECTIONS = 512;
    private static final int BACKLOG = 10_000_000;
    private static final String TOPIC = "events";

    private Profile() {}

    public static void main(String[] arguments) throws Exception {
        Files.createDirectories(FOLDER);
        Bench.withBroker((folder, broker) -> {
            RealTopics.create(broker, Bench.PARTITIONS, TOPIC, "backlog");
            gateway(folder, broker);
            streaming(folder, broker);
        });
        System.out.println("Recordings and flame graphs are in " + FOLDER);
        System.exit(0);
    }

    private static void gateway(Path folder, RealBroker broker) throws Exception {
        System.out.println("gateway: single events");
        int port = RealBroker.freePort();
        Process gateway = Bench.gateway(
                folder, port, RealBroker.freePort(), broker, Map.of(), Processes.shared(Processes.GATEWAY_ARCHIVE));
        try {
            Wrk wrk = new Wrk(folder);
            wrk.post(port, CONNECTIONS, SECONDS, "application/json", HttpBench.EVENT, 0);
            try (Recording recording = Recording.start(gateway, "gateway")) {
                wrk.post(port, CONNECTIONS, SECONDS, "application/json", HttpBench.EVENT, 0);
            }
        } finally {
            gateway.destroyForcibly().onExit().join();
        }
    }

    private static void streaming(Path folder, RealBroker broker) throws Exception {
        DrainBench.produce(broker, "backlog", BACKLOG);
        System.out.println("streaming: a backlog");
        Path log = folder.resolve("streaming.log");
        int port = RealBroker.freePort();
        Process streaming = Processes.streaming(
                log,
                port,
                broker.bootstrapServers(),
                folder.resolve("checkpoint"),
                Map.of("STARTING_OFFSETS", "earliest", "EVENTS_TOPIC", "backlog"));
        try {
            Processes.await(() -> DrainBench.read(port) >= BACKLOG / 4, streaming, log);
            try (Recording recording = Recording.start(streaming, "streaming")) {
                Processes.await(() -> DrainBench.read(port) >= BACKLOG, streaming, log);
            }
        } finally {
            streaming.destroyForcibly().onExit().join();
        }
    }

    /** What Java's Flight Recorder notes of a process, until it is closed. */
    private record Recording(Process process, String name) implements AutoCloseable {
        static Recording start(Process process, String name) throws IOException, InterruptedException {
            // what waits in native code would be taken for what works
            run(
                    "jcmd",
                    Long.toString(process.pid()),
                    "JFR.start",
                    "name=" + name,
                    "settings=profile",
                    "jdk.NativeMethodSample#enabled=false");
            return new Recording(process, name);
        }

        @Override
        public void close() throws IOException, InterruptedException {
            Path file = FOLDER.resolve(name + ".jfr");
            run("jcmd", Long.toString(process.pid()), "JFR.stop", "name=" + name, "filename=" + file);
            flameGraph(file, "cpu");
            flameGraph(file, "alloc", "--alloc", "--total");
        }

        private void flameGraph(Path file, String what, String... options) throws IOException, InterruptedException {
            List<String> command = new ArrayList<>(
                    List.of("java", "-cp", Processes.artifact("local/target/tools/*"), "one.convert.Main"));
            command.addAll(List.of(options));
            command.addAll(List.of("--title", name + ": " + what, file.toString()));
            command.add(FOLDER.resolve(name + "-" + what + ".html").toString());
            run(command.toArray(String[]::new));
        }

        private static void run(String... command) throws IOException, InterruptedException {
            Process run = new ProcessBuilder(List.of(command))
                    .redirectErrorStream(true)
                    .start();
            String output = new String(run.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
            if (!run.waitFor(2, TimeUnit.MINUTES) || run.exitValue() != 0) {
                throw new IOException(String.join(" ", command) + " failed:\n" + output);
            }
        }
    }
}
