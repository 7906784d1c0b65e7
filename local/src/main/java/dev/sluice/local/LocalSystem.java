package dev.sluice.local;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sluice.events.RealBroker;
import dev.sluice.events.RealCassandra;
import dev.sluice.events.RealS3;
import dev.sluice.events.RealTopics;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TopicExistsException;

/** Broker, gateway and streaming as processes: started one after another, watched, stopped in the opposite order. */
final class LocalSystem {
    private static final int TOPIC_PARTITIONS = 4;
    private static final Duration START = Duration.ofSeconds(90);
    /** Four of these are less than the 15 s within which everything has to stop. */
    private static final Duration STOP = Duration.ofMillis(3_700);

    private static final long POLL_MILLIS = 50;

    private final Settings settings;
    private final PrintStream out;
    private final List<Child> children = new ArrayList<>();
    private final CountDownLatch counting = new CountDownLatch(1);
    private final CountDownLatch bannerShown = new CountDownLatch(1);

    LocalSystem(Settings settings, PrintStream out) {
        this.settings = settings;
        this.out = out;
    }

    /**
     * Returns when everything is ready.
     *
     * @throws ChildDiedException when a process ends before that
     */
    void start() throws InterruptedException {
        prepareFolder();
        if (settings.ownBroker()) {
            startBroker();
        }
        if (settings.store() == Settings.Store.CASSANDRA) {
            startCassandra();
        }
        if (settings.s3() == Settings.S3.LOCAL) {
            startS3();
        }
        step("topics", this::createTopics);
        add(startGateway());
        Child streaming = add(startStreaming());
        Thread pump = new Thread(() -> pump(streaming.process()), "counts");
        pump.setDaemon(true);
        pump.start();
        step("gateway", this::isGatewayReady);
        step("streaming", () -> counting.getCount() == 0);
    }

    /** Waits until a process ends, which none should. */
    Child awaitDeath() {
        List<CompletableFuture<Child>> deaths = snapshot().stream()
                .map(child -> child.process().onExit().thenApply(process -> child))
                .toList();
        return (Child) CompletableFuture.anyOf(deaths.toArray(new CompletableFuture<?>[0]))
                .join();
    }

    /** Lets the counts through: what comes before is start-up. */
    void showCounts() {
        bannerShown.countDown();
    }

    /** Gateway, streaming, stores, broker: each is idle when the next one goes. */
    void stop() throws InterruptedException {
        List<Child> all = snapshot();
        for (String name : List.of("gateway", "streaming", "s3", "cassandra", "kafka")) {
            for (Child child : all) {
                if (child.name().equals(name)) {
                    child.stop(STOP);
                }
            }
        }
    }

    private void prepareFolder() {
        try {
            Path stale = settings.fresh() ? settings.data() : settings.data().resolve("logs");
            if (Files.exists(stale)) {
                try (Stream<Path> files = Files.walk(stale)) {
                    for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                        Files.delete(file);
                    }
                }
            }
            Files.createDirectories(settings.data().resolve("logs"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void startBroker() throws InterruptedException {
        Path log = settings.log("kafka");
        RealBroker broker = RealBroker.launch(
                Child.DEAF_TO_THE_TERMINAL,
                settings.home().resolve("events/target/broker"),
                settings.data().resolve("kafka"),
                log,
                settings.kafkaPort());
        awaitPort(new Child("kafka", broker.process(), log), settings.kafkaPort());
    }

    private void startCassandra() throws InterruptedException {
        Path log = settings.log("cassandra");
        RealCassandra cassandra = RealCassandra.launch(
                Child.DEAF_TO_THE_TERMINAL,
                settings.home().resolve("local/cassandra/target/lib"),
                settings.data().resolve("cassandra"),
                log,
                settings.cassandraPort());
        awaitPort(new Child("cassandra", cassandra.process(), log), settings.cassandraPort());
    }

    private void startS3() throws InterruptedException {
        Path log = settings.log("s3");
        RealS3 s3 = RealS3.launch(
                Child.DEAF_TO_THE_TERMINAL,
                settings.home().resolve("local/s3/target/lib"),
                settings.data().resolve("s3"),
                log,
                settings.s3Port());
        awaitPort(new Child("s3", s3.process(), log), settings.s3Port());
    }

    private void awaitPort(Child server, int port) throws InterruptedException {
        add(server);
        step(server.name(), () -> RealBroker.accepts(port));
    }

    private Child startGateway() {
        return Child.java(
                "gateway",
                settings.log("gateway"),
                gatewayEnvironment(),
                jar(
                        "gateway/target/sluice-gateway",
                        "-Xmx192m",
                        // out of memory, a process that goes on has event loops that do not
                        "-XX:+ExitOnOutOfMemoryError",
                        "-XX:+UseSerialGC"),
                true);
    }

    private Map<String, String> gatewayEnvironment() {
        Map<String, String> environment = new HashMap<>(Map.of(
                "KAFKA_BOOTSTRAP_SERVERS", settings.bootstrapServers(),
                "LOG_FORMAT", logFormat(),
                "HTTP_PORT", Integer.toString(settings.httpPort()),
                "MANAGEMENT_PORT", Integer.toString(settings.managementPort())));
        if (settings.store() == Settings.Store.CASSANDRA) {
            environment.putAll(Map.of("COUNTS_HISTORY", "cassandra", "CASSANDRA_CONTACT_POINTS", contactPoint()));
        }
        return environment;
    }

    /** Their logs are files, and still for people. */
    private static String logFormat() {
        return System.getenv().getOrDefault("LOG_FORMAT", "text");
    }

    private String contactPoint() {
        return "localhost:" + settings.cassandraPort();
    }

    private Child startStreaming() {
        return Child.java(
                "streaming",
                settings.log("streaming"),
                streamingEnvironment(),
                // records live for a moment: with the usual third of the heap, some of them grow old
                jar("streaming/target/sluice-streaming", "-Xmx512m", "-Xmn200m", "-XX:+UseSerialGC"),
                false);
    }

    private Map<String, String> streamingEnvironment() {
        Map<String, String> environment = new HashMap<>(Map.of(
                "KAFKA_BOOTSTRAP_SERVERS",
                settings.bootstrapServers(),
                "LOG_FORMAT",
                logFormat(),
                "SINKS",
                "console,kafka",
                "STREAMING_PORT",
                Integer.toString(settings.streamingPort()),
                "CHECKPOINT_DIR",
                settings.data().resolve("checkpoint").toUri().toString()));
        if (settings.store() == Settings.Store.CASSANDRA) {
            environment.putAll(Map.of(
                    "SINKS", "console,kafka,cassandra",
                    "CASSANDRA_CONTACT_POINTS", contactPoint(),
                    "CASSANDRA_CREATE", "1",
                    "CASSANDRA_REPLICAS", "1"));
        }
        return environment;
    }

    /** Java's options for a jar; with the archive of its classes where {@code make class-data} made one. */
    private List<String> jar(String artifact, String... options) {
        List<String> all = new ArrayList<>(List.of(options));
        Path archive = settings.home().resolve(artifact + ".jsa");
        if (Files.exists(archive)) {
            all.add("-XX:SharedArchiveFile=" + archive);
        }
        all.addAll(List.of("-jar", settings.home().resolve(artifact + ".jar").toString()));
        return all;
    }

    private boolean createTopics() throws InterruptedException {
        Map<String, Object> client = new HashMap<>(settings.login());
        client.put("bootstrap.servers", settings.bootstrapServers());
        client.put("default.api.timeout.ms", 3_000);
        client.put("request.timeout.ms", 3_000);
        try (Admin admin = Admin.create(client)) {
            for (String topic : settings.topics()) {
                create(admin, topic, Map.of());
            }
            create(admin, settings.countsTopic(), Map.of("cleanup.policy", "compact"));
            RealTopics.awaitLeaders(admin, settings.topics());
            RealTopics.awaitLeaders(admin, Set.of(settings.countsTopic()));
            return true;
        } catch (ExecutionException | KafkaException e) {
            return false;
        }
    }

    private static void create(Admin admin, String name, Map<String, String> configuration)
            throws InterruptedException, ExecutionException {
        // on a broker that is not ours, its own default of replicas
        NewTopic topic = new NewTopic(name, Optional.of(TOPIC_PARTITIONS), Optional.empty()).configs(configuration);
        try {
            admin.createTopics(List.of(topic)).all().get();
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof TopicExistsException)) {
                throw e;
            }
        }
    }

    private boolean isGatewayReady() throws InterruptedException {
        URI uri = URI.create("http://127.0.0.1:" + settings.managementPort() + "/health/ready");
        HttpRequest request =
                HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(2)).build();
        try {
            return HttpClient.newHttpClient()
                            .send(request, BodyHandlers.discarding())
                            .statusCode()
                    == 200;
        } catch (IOException e) {
            return false;
        }
    }

    private void pump(Process streaming) {
        try (BufferedReader lines = streaming.inputReader(UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (counting.getCount() > 0 && line.startsWith("Counting topic")) {
                    counting.countDown();
                    bannerShown.await();
                } else {
                    out.println(line);
                }
            }
        } catch (IOException e) {
            out.println("(no more counts: " + e.getMessage() + ")");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private interface Condition {
        boolean holds() throws InterruptedException;
    }

    /** Waits for one part, and shows that it does. */
    private void step(String what, Condition ready) throws InterruptedException {
        out.printf("  %-16s", what);
        out.flush();
        long start = System.nanoTime();
        while (!ready.holds()) {
            for (Child child : snapshot()) {
                if (!child.process().isAlive()) {
                    out.println("failed");
                    throw new ChildDiedException(child.obituary());
                }
            }
            if (System.nanoTime() - start > START.toNanos()) {
                out.println("failed");
                throw new ChildDiedException(what + " was not ready after " + START.toSeconds() + " s, with Kafka at "
                        + settings.bootstrapServers() + ". Logs: "
                        + settings.data().resolve("logs"));
            }
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
        }
        out.printf("ready (%.1f s)%n", (System.nanoTime() - start) / 1e9);
    }

    private Child add(Child child) {
        synchronized (children) {
            children.add(child);
        }
        return child;
    }

    private List<Child> snapshot() {
        synchronized (children) {
            return List.copyOf(children);
        }
    }
}
