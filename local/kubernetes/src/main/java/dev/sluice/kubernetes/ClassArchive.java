package dev.sluice.kubernetes;

import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The archive of the gateway's classes, with which it starts sooner. It is good for the JVM that wrote it, and for jars of the same
 * names and times: so it is written by the JVM of the image, among the files of the image.
 */
final class ClassArchive {
    private static final int EVENTS = 200;
    private static final int SECONDS = 120;

    private ClassArchive() {}

    /** @param app the gateway's folder, which gets {@code sluice-gateway.jsa} */
    static void write(Path java, Path app) throws Exception {
        Path folder = Files.createTempDirectory("sluice-archive");
        int port = RealBroker.freePort();
        int managementPort = RealBroker.freePort();
        try (RealBroker broker = RealBroker.start(folder)) {
            RealTopics.create(broker, 1, "events");
            ProcessBuilder builder = new ProcessBuilder(
                            java.toString(),
                            "-XX:ArchiveClassesAtExit=sluice-gateway.jsa",
                            "-XX:+UseSerialGC",
                            "-jar",
                            "sluice-gateway.jar")
                    .directory(app.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(folder.resolve("gateway.log").toFile());
            builder.environment()
                    .putAll(Map.of(
                            "KAFKA_BOOTSTRAP_SERVERS", broker.bootstrapServers(),
                            "HTTP_PORT", Integer.toString(port),
                            "MANAGEMENT_PORT", Integer.toString(managementPort)));
            Process gateway = builder.start();
            try {
                use(gateway, port, managementPort);
            } finally {
                gateway.destroy();
                if (!gateway.waitFor(SECONDS, TimeUnit.SECONDS)) {
                    gateway.destroyForcibly();
                }
            }
        }
        if (!Files.exists(app.resolve("sluice-gateway.jsa"))) {
            throw new IOException("The gateway left no archive of its classes: see " + folder.resolve("gateway.log"));
        }
    }

    private static void use(Process gateway, int port, int managementPort) throws IOException, InterruptedException {
        HttpClient http = HttpClient.newHttpClient();
        URI health = URI.create("http://localhost:" + managementPort + "/health/ready");
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
        while (!isReady(http, health)) {
            if (!gateway.isAlive() || System.nanoTime() > end) {
                throw new IOException("The gateway does not start");
            }
            TimeUnit.MILLISECONDS.sleep(100);
        }
        URI events = URI.create("http://localhost:" + port + "/api/events");
        for (int i = 0; i < EVENTS; i++) {
            HttpResponse<String> answer = http.send(
                    HttpRequest.newBuilder(events)
                            .POST(BodyPublishers.ofString("{\"event_type\":\"a\",\"event_id\":\"" + i + "\"}"))
                            .build(),
                    BodyHandlers.ofString());
            if (answer.statusCode() != 202) {
                throw new IOException("The gateway refused an event: " + answer.body());
            }
        }
    }

    private static boolean isReady(HttpClient http, URI health) throws InterruptedException {
        try {
            return http.send(HttpRequest.newBuilder(health).build(), BodyHandlers.discarding())
                            .statusCode()
                    == 200;
        } catch (IOException notYet) {
            return false;
        }
    }
}
