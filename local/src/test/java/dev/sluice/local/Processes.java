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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What the end-to-end tests share: the packaged artifacts as processes, and an HTTP client. */
final class Processes {
    /** The project's folder. */
    static final Path HOME = RealBroker.home();

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

    static String artifact(String path) {
        return HOME.resolve(path).toString();
    }

    static String text(Path log) throws IOException {
        return Files.exists(log) ? Files.readString(log) : "";
    }

    static HttpResponse<String> post(int port, String body) throws IOException, InterruptedException {
        return HTTP.send(
                HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/api/events"))
                        .POST(BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofString());
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

    static int status(int port, String path) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
                .build();
        return HTTP.send(request, BodyHandlers.discarding()).statusCode();
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
