package dev.sluice.events;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

/**
 * A single-node KRaft broker of Kafka's own artifacts, in a process of its own, as the local system and the tests of
 * every module start it. Small on purpose: 80 MiB of heap, a small log cleaner, one partition and replica for Kafka's
 * own topics.
 */
public final class RealBroker implements AutoCloseable {
    private static final List<String> SMALL = List.of("-Xmx80m", "-XX:TieredStopAtLevel=1");
    private static final List<String> LARGE = List.of("-Xmx512m");
    private static final List<String> JVM = List.of(
            "-XX:+UseSerialGC",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
            "-Djava.awt.headless=true");

    private static final int START_SECONDS = 60;
    private static final int FIRST_PORT = 10_000;
    /** Of Linux by default; other systems begin higher. */
    private static final int FIRST_EPHEMERAL_PORT = 32_768;

    private static final Set<Integer> PORTS = ConcurrentHashMap.newKeySet();

    private final List<String> prefix;
    private final List<String> size;
    private final Path jars;
    private final Path folder;
    private final Path log;
    private final int port;
    private final int controllerPort;
    private final Map<String, String> more;
    private final Process process;

    private RealBroker(
            List<String> prefix,
            List<String> size,
            Path jars,
            Path folder,
            Path log,
            int port,
            int controllerPort,
            Map<String, String> more)
            throws IOException {
        this.prefix = prefix;
        this.size = size;
        this.jars = jars;
        this.folder = folder;
        this.log = log;
        this.port = port;
        this.controllerPort = controllerPort;
        this.more = more;
        Files.createDirectories(folder);
        Path properties = folder.resolve("server.properties");
        Files.writeString(properties, properties());
        if (!Files.exists(folder.resolve("data/meta.properties"))) {
            format(properties);
        }
        process = kafka("kafka.Kafka", properties.toString());
    }

    /** Starts on a free port with its data under {@code folder}; an earlier run's data there is used again. */
    public static RealBroker start(Path folder) {
        return start(folder, freePort());
    }

    /** The same with the heap and the compiler of a broker that is there for speed, not for a quick start. */
    public static RealBroker startLarge(Path folder) {
        RealBroker broker = launch(
                List.of(), LARGE, jars(), folder, folder.resolve("broker.log"), freePort(), freePort(), Map.of());
        broker.awaitPort();
        return broker;
    }

    /** Starts on {@code port} and waits until it takes connections. */
    public static RealBroker start(Path folder, int port) {
        return start(folder, port, freePort(), Map.of());
    }

    /** Starts on a free port, with more settings of Kafka's or others than usual. */
    public static RealBroker start(Path folder, Map<String, String> more) {
        return start(folder, freePort(), freePort(), more);
    }

    /** The same with options of its JVM. */
    static RealBroker start(Path folder, Map<String, String> more, List<String> jvm) {
        List<String> options = Stream.concat(SMALL.stream(), jvm.stream()).toList();
        RealBroker broker =
                launch(List.of(), options, jars(), folder, folder.resolve("broker.log"), freePort(), freePort(), more);
        broker.awaitPort();
        return broker;
    }

    private static RealBroker start(Path folder, int port, int controllerPort, Map<String, String> more) {
        RealBroker broker =
                launch(List.of(), SMALL, jars(), folder, folder.resolve("broker.log"), port, controllerPort, more);
        broker.awaitPort();
        return broker;
    }

    /** Starts a second broker of this one's cluster, node 2, which this one controls. */
    public RealBroker startSecond(Path other) {
        int otherPort = freePort();
        Map<String, String> second = Map.of(
                "process.roles", "broker",
                "node.id", "2",
                "listeners", "PLAINTEXT://localhost:" + otherPort);
        return start(other, otherPort, controllerPort, second);
    }

    /**
     * Starts without waiting.
     *
     * @param prefix goes before the {@code java} command
     * @param jars the folder of the broker's class path
     * @param log where the broker's output is appended
     */
    public static RealBroker launch(List<String> prefix, Path jars, Path folder, Path log, int port) {
        return launch(prefix, jars, folder, log, port, Map.of());
    }

    /**
     * Starts without waiting.
     *
     * @param more settings of Kafka's, or others than usual; {@code ${port}} and {@code ${controller.port}} stand for the
     *     broker's own
     */
    public static RealBroker launch(
            List<String> prefix, Path jars, Path folder, Path log, int port, Map<String, String> more) {
        return launch(prefix, SMALL, jars, folder, log, port, freePort(), more);
    }

    private static RealBroker launch(
            List<String> prefix,
            List<String> size,
            Path jars,
            Path folder,
            Path log,
            int port,
            int controllerPort,
            Map<String, String> more) {
        try {
            return new RealBroker(prefix, size, jars, folder, log, port, controllerPort, more);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The broker's class path as the build of this module lays it out. */
    public static Path jars() {
        Path jars = home().resolve("events/target/broker");
        if (!Files.isDirectory(jars)) {
            throw new IllegalStateException(jars + " is missing: build the module events first");
        }
        return jars;
    }

    /** The project's folder, seen from any module's. */
    public static Path home() {
        for (Path up = Path.of("").toAbsolutePath(); up != null; up = up.getParent()) {
            if (Files.isRegularFile(up.resolve("events/pom.xml"))) {
                return up;
            }
        }
        throw new IllegalStateException("not within the project: " + Path.of("").toAbsolutePath());
    }

    /**
     * A port that nothing listens on, and below those that the system gives to outgoing connections: one of theirs could be
     * taken by any connection that is opened until the caller listens on it. None is given twice.
     */
    public static int freePort() {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(FIRST_PORT, FIRST_EPHEMERAL_PORT);
            if (PORTS.add(port) && isFree(port)) {
                return port;
            }
        }
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket(port)) {
            return socket.isBound();
        } catch (IOException taken) {
            return false;
        }
    }

    public String bootstrapServers() {
        return "localhost:" + port;
    }

    public int port() {
        return port;
    }

    /** Sends the process a signal by its name, {@code STOP} and {@code CONT} among them. */
    public void signal(String name) throws IOException, InterruptedException {
        Servers.signal(process, name);
    }

    public Process process() {
        return process;
    }

    /** SIGKILL, and waits until the process is gone. */
    public void kill() {
        Servers.kill(process);
    }

    /** The same data on the same port, in a new process. */
    public RealBroker restart() {
        kill();
        RealBroker again = launch(prefix, size, jars, folder, log, port, controllerPort, more);
        again.awaitPort();
        return again;
    }

    /** Stops in order; by force after ten seconds. */
    @Override
    public void close() {
        Servers.stop(process);
    }

    private void awaitPort() {
        Servers.awaitPort(process, port, START_SECONDS, log);
    }

    /** Whether something listens on {@code port} of this machine; waits up to 200 ms for the answer. */
    public static boolean accepts(int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress("localhost", port), 200);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private void format(Path properties) throws IOException {
        Process format =
                kafka("kafka.tools.StorageTool", "format", "-t", "AAAAAAAAQACAAAAAAAAAAQ", "-c", properties.toString());
        if (format.onExit().join().exitValue() != 0) {
            throw new IOException("the broker's storage could not be formatted; see " + log);
        }
    }

    private Process kafka(String mainClass, String... arguments) throws IOException {
        List<String> command = new java.util.ArrayList<>(prefix);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(size);
        command.addAll(JVM);
        command.addAll(List.of("-cp", jars + "/*", mainClass));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
    }

    private String properties() throws IOException {
        try (InputStream template = RealBroker.class.getResourceAsStream("server.properties")) {
            StringBuilder properties = new StringBuilder(new String(template.readAllBytes(), UTF_8));
            // of two settings of one name, the later one counts
            more.forEach((name, value) ->
                    properties.append(name).append('=').append(value).append('\n'));
            return properties
                    .toString()
                    .replace("${port}", Integer.toString(port))
                    .replace("${controller.port}", Integer.toString(controllerPort))
                    .replace("${data}", folder.resolve("data").toAbsolutePath().toString());
        }
    }
}
