package dev.sluice.local;

import dev.sluice.events.RealBroker;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** What the end-to-end tests share: the packaged artifacts as processes, and an HTTP client. */
final class Processes {
    /** The project's folder. */
    static final Path HOME = RealBroker.home();

    /** What {@code make class-data} makes. */
    static final Path GATEWAY_ARCHIVE = HOME.resolve("gateway/target/sluice-gateway.jsa");

    static final Path STREAMING_ARCHIVE = HOME.resolve("streaming/target/sluice-streaming.jsa");

    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final long POLL_MILLIS = 5;
    private static final int LAST_LINES = 15;

    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private Processes() {}

    /** {@code java} with its output in {@code log}, in the project's folder, as {@code make} starts it. */
    static Process java(Path log, Map<String, String> environment, String... arguments) throws IOException {
        return shell(log, environment, "", arguments);
    }

    /** The same after {@code shell}, as {@code ulimit -f 100;}. */
    static Process shell(Path log, Map<String, String> environment, String shell, String... arguments)
            throws IOException {
        List<String> command = new ArrayList<>();
        if (!shell.isEmpty()) {
            command.addAll(List.of("bash", "-c", shell + " exec \"$@\"", "bash"));
        }
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(HOME.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        builder.environment().putAll(environment);
        return builder.start();
    }

    /**
     * A gateway on those ports, ready; there is none where this throws.
     *
     * @param settings beside those of the ports and of Kafka, or in their place
     * @param jvm options, memory among them
     */
    static Process gateway(
            Path log,
            int port,
            int managementPort,
            String bootstrapServers,
            Map<String, String> settings,
            String shell,
            String... jvm)
            throws Exception {
        Map<String, String> environment = new HashMap<>();
        environment.put("HTTP_PORT", Integer.toString(port));
        environment.put("MANAGEMENT_PORT", Integer.toString(managementPort));
        environment.put("KAFKA_BOOTSTRAP_SERVERS", bootstrapServers);
        environment.putAll(settings);
        String[] arguments = Stream.concat(
                        Arrays.stream(jvm), Stream.of("-jar", artifact("gateway/target/sluice-gateway.jar")))
                .toArray(String[]::new);
        Process gateway = shell(log, environment, shell, arguments);
        try {
            await(() -> isReady(managementPort), gateway, log);
            return gateway;
        } catch (Exception notReady) {
            gateway.destroyForcibly();
            throw notReady;
        }
    }

    /** Streaming, with a checkpoint in that folder. */
    static Process streaming(
            Path log,
            int managementPort,
            String bootstrapServers,
            Path checkpoint,
            Map<String, String> settings,
            String... jvm)
            throws IOException {
        Map<String, String> environment = new HashMap<>();
        environment.put("KAFKA_BOOTSTRAP_SERVERS", bootstrapServers);
        environment.put("STREAMING_PORT", Integer.toString(managementPort));
        environment.put("CHECKPOINT_DIR", checkpoint.toUri().toString());
        environment.putAll(settings);
        List<String> arguments = new ArrayList<>(List.of("-Xmx512m", "-Xmn200m", "-XX:+UseSerialGC"));
        arguments.addAll(List.of(jvm));
        arguments.addAll(List.of("-jar", artifact("streaming/target/sluice-streaming.jar")));
        return java(log, environment, arguments.toArray(String[]::new));
    }

    /** The option that makes a JVM take its classes from there. */
    static String shared(Path archive) {
        return "-XX:SharedArchiveFile=" + archive;
    }

    /** A condition of a process that is waited for. */
    interface Condition {
        boolean holds() throws Exception;
    }

    /** Returns when the condition holds; throws with the end of the process's log when it ended first, or takes too long. */
    static void await(Condition condition, Process process, Path log) throws Exception {
        await(condition, process, log, POLL_MILLIS);
    }

    /** @param pollMillis between two looks, where a look takes time that is measured */
    static void await(Condition condition, Process process, Path log, long pollMillis) throws Exception {
        long start = System.nanoTime();
        while (!condition.holds()) {
            if (!process.isAlive() || System.nanoTime() - start > PATIENCE.toNanos()) {
                List<String> lines = text(log).lines().toList();
                throw new IllegalStateException("See " + log + ", which ends:\n"
                        + String.join("\n", lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size())));
            }
            TimeUnit.MILLISECONDS.sleep(pollMillis);
        }
    }

    static String artifact(String path) {
        return HOME.resolve(path).toString();
    }

    static String text(Path log) throws IOException {
        return Files.exists(log) ? Files.readString(log) : "";
    }

    /** @param headers names and values, one after the other */
    static HttpResponse<String> post(int port, String body, String... headers)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/api/events"))
                .POST(BodyPublishers.ofString(body));
        return HTTP.send((headers.length == 0 ? request : request.headers(headers)).build(), BodyHandlers.ofString());
    }

    /** The sum of all metrics on that port whose lines begin so. */
    static double metric(int port, String name) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/metrics"))
                .build();
        return HTTP.send(request, BodyHandlers.ofLines())
                .body()
                .filter(line -> line.startsWith(name))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    static HttpResponse<String> get(int port, String path) throws IOException, InterruptedException {
        return HTTP.send(
                HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
                        .build(),
                BodyHandlers.ofString());
    }

    static int status(int port, String path) throws IOException, InterruptedException {
        return get(port, path).statusCode();
    }

    static boolean isReady(int managementPort) throws InterruptedException {
        try {
            return HTTP.send(
                                    HttpRequest.newBuilder(
                                                    URI.create("http://localhost:" + managementPort + "/health/ready"))
                                            .build(),
                                    BodyHandlers.discarding())
                            .statusCode()
                    == 200;
        } catch (IOException e) {
            return false;
        }
    }
}
