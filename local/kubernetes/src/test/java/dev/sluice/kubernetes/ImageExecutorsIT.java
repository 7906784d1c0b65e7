package dev.sluice.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.events.Programs;
import dev.sluice.events.RealBroker;
import dev.sluice.events.RealS3;
import dev.sluice.events.RealTopics;
import dev.sluice.events.SecuredBroker;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.rbac.Role;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The base as a platform team runs it: the driver has Spark make its executors of pods, with the role, the configuration and the
 * template of the manifests. What stands in: {@link ApiServer} and {@link Node}; and on the streaming image, which has no base
 * from a registry here, what Spark's own image has beside it.
 */
class ImageExecutorsIT {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final String GATEWAY = "sluice-gateway";
    private static final String DRIVER = "sluice-streaming";
    private static final String EXECUTOR = "sluice-executor";
    private static final String TOKEN = "of-the-driver";
    private static final int EXECUTORS = 2;
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    static Path images;

    private static String gateway;
    private static String streaming;

    @TempDir
    Path folder;

    private final int httpPort = RealBroker.freePort();
    private final int managementPort = RealBroker.freePort();
    private final int streamingPort = RealBroker.freePort();
    private final AtomicInteger accepted = new AtomicInteger();
    private final AtomicBoolean enough = new AtomicBoolean();
    private Podman podman;
    private SecuredBroker kafka;
    private ApiServer api;
    private Node node;

    @BeforeAll
    static void load() throws Exception {
        Programs.require("podman", "runc", "kubectl");
        Podman podman = new Podman(images);
        Path made = RealBroker.home().resolve("local/kubernetes/target/images");
        gateway = podman.load(made.resolve("sluice-gateway.tar"));
        streaming = asOnSparksImage(podman, podman.load(made.resolve("sluice-streaming.tar")));
    }

    @BeforeEach
    void prepare() throws Exception {
        podman = new Podman(folder);
    }

    /**
     * Broker, API server and node: the node makes gateway and driver. Kafka lets them in as production's does, over TLS with a
     * password, and lets them do what the example of a user may.
     *
     * @param conf of Spark, beside the base's
     * @param variables of the driver, beside its own
     */
    private void start(Map<String, String> conf, Map<String, String> variables) throws Exception {
        Manifests manifests = Manifests.render("../base");
        kafka = SecuredBroker.start(folder.resolve("kafka"), Rights.of(SecuredBroker.USER));
        try (Admin admin = kafka.admin()) {
            NewTopic events = new NewTopic("events", 4, (short) 1);
            RealTopics.create(admin, List.of(events, RealTopics.counts()));
        }
        api = new ApiServer(TOKEN, manifests.named(Role.class, DRIVER));
        manifests
                .all(ConfigMap.class)
                .filter(map -> map.getData().containsKey("spark-defaults.conf"))
                .forEach(map -> map.getData()
                        .compute(
                                "spark-defaults.conf",
                                (file, text) -> text.replace(
                                                "https://kubernetes.default.svc", "https://localhost:" + api.port())
                                        + lines(conf)));
        Map<String, String> ofGateway = new HashMap<>(login("KAFKA_PRODUCER_"));
        ofGateway.putAll(Map.of(
                "AUTH",
                "none",
                "HTTP_PORT",
                Integer.toString(httpPort),
                "MANAGEMENT_PORT",
                Integer.toString(managementPort)));
        Map<String, String> ofDriver = new HashMap<>(login("KAFKA_CONSUMER_"));
        ofDriver.putAll(Map.of("EXECUTOR_IMAGE", DRIVER, "STREAMING_PORT", Integer.toString(streamingPort)));
        ofDriver.putAll(variables);
        node = new Node(
                api,
                podman,
                manifests,
                Map.of(GATEWAY, gateway, DRIVER, streaming),
                Map.of(GATEWAY, ofGateway, DRIVER, ofDriver),
                Node.account(folder, api, TOKEN));
        until(() -> Web.answers(managementPort, "/health/ready") && Web.answers(streamingPort, "/health/ready"));
        until(() -> node.pods(EXECUTOR).size() == EXECUTORS);
    }

    /** Where Kafka is and how one gets in, with the text of what would be files of a secret. */
    private Map<String, String> login(String prefix) throws IOException {
        Map<String, String> login = new HashMap<>();
        for (Map.Entry<String, String> each :
                kafka.scram(prefix, SecuredBroker.PASSWORD).entrySet()) {
            String name = each.getKey();
            if (name.endsWith("_FILE")) {
                login.put(name.replaceFirst("_FILE$", ""), Files.readString(Path.of(each.getValue())));
            } else {
                login.put(name, each.getValue());
            }
        }
        login.put("KAFKA_BOOTSTRAP_SERVERS", kafka.broker().bootstrapServers());
        return login;
    }

    private static String lines(Map<String, String> conf) {
        return conf.entrySet().stream()
                .map(each -> each.getKey() + " " + each.getValue() + "\n")
                .collect(Collectors.joining("", "\n", ""));
    }

    @AfterEach
    void end() throws Exception {
        enough.set(true);
        if (node != null) {
            node.close();
        }
        podman.close();
        if (api != null) {
            api.close();
        }
        if (kafka != null) {
            kafka.close();
        }
    }

    @Test
    void executors_arePodsOfTheTemplate_andAnyPodThatGoes_losesAndDoublesNothing() throws Exception {
        start(Map.of(), Map.of());
        node.pods(EXECUTOR).forEach(name -> assertExecutor(node.pod(name)));

        CompletableFuture<Void> sender = CompletableFuture.runAsync(this::send);
        untilCounted(1);

        // its process dies: Spark sees a pod that failed
        String killed = node.pods(EXECUTOR).get(0);
        podman.kill(killed);
        untilReplaced(List.of(killed));
        untilCounted(accepted.get());

        // kubectl delete pod
        String deleted = node.pods(EXECUTOR).get(0);
        node.delete(deleted);
        untilReplaced(List.of(deleted));
        untilCounted(accepted.get());

        // the driver's process dies: its pod stays, and the executors end without it
        List<String> ofTheFirst = node.pods(EXECUTOR);
        podman.kill(node.pods(DRIVER).get(0));
        untilReplaced(ofTheFirst);
        untilCounted(accepted.get());

        // the driver's pod goes, and its executors with it
        List<String> ofTheSecond = node.pods(EXECUTOR);
        node.delete(node.pods(DRIVER).get(0));
        untilReplaced(ofTheSecond);
        enough.set(true);
        sender.join();
        untilCounted(accepted.get());

        assertThat(counted()).isEqualTo(accepted.get());
        assertThat(api.refused()).isEmpty();
        // the role has nothing that the driver does not do
        assertThat(api.done()).isEqualTo(api.allowed());
        assertThat(node.failures()).isEmpty();
    }

    /** As the page of operations says. */
    @Test
    void checkpointInS3_isThereForTheNextDriver() throws Exception {
        try (RealS3 s3 = RealS3.start(folder.resolve("s3"))) {
            start(
                    Map.of(
                            "spark.hadoop.fs.s3a.endpoint",
                            s3.endpoint(),
                            "spark.hadoop.fs.s3a.path.style.access",
                            "true",
                            "spark.kubernetes.executor.secretKeyRef.AWS_ACCESS_KEY_ID",
                            "sluice-s3:AWS_ACCESS_KEY_ID",
                            "spark.kubernetes.executor.secretKeyRef.AWS_SECRET_ACCESS_KEY",
                            "sluice-s3:AWS_SECRET_ACCESS_KEY"),
                    Map.of(
                            "CHECKPOINT_DIR",
                            "s3a://" + RealS3.BUCKET + "/checkpoint",
                            "AWS_ACCESS_KEY_ID",
                            "any",
                            "AWS_SECRET_ACCESS_KEY",
                            "any"));
            CompletableFuture<Void> sender = CompletableFuture.runAsync(this::send);
            untilCounted(1);
            List<String> before = node.pods(EXECUTOR);
            node.delete(node.pods(DRIVER).get(0));
            untilReplaced(before);
            enough.set(true);
            sender.join();
            untilCounted(accepted.get());
            assertThat(counted()).isEqualTo(accepted.get());
        }
    }

    private void assertExecutor(Pod pod) {
        Container container = pod.getSpec().getContainers().get(0);
        assertThat(pod.getSpec().getServiceAccountName()).isEqualTo(EXECUTOR);
        assertThat(pod.getSpec().getAutomountServiceAccountToken()).isFalse();
        assertThat(pod.getSpec().getSecurityContext().getRunAsNonRoot()).isTrue();
        assertThat(container.getSecurityContext().getReadOnlyRootFilesystem()).isTrue();
        assertThat(container.getSecurityContext().getCapabilities().getDrop()).containsExactly("ALL");
        assertThat(Quantity.getAmountInBytes(
                        container.getResources().getLimits().get("memory")))
                .isEqualTo(Quantity.getAmountInBytes(new Quantity("1280Mi")));
        assertThat(pod.getMetadata().getOwnerReferences())
                .singleElement()
                .satisfies(owner -> assertThat(node.pods(DRIVER)).contains(owner.getName()));
    }

    /** Spark's image by way of ours: the jars that talk to Kubernetes, programs, and the entry point of executors. */
    private static String asOnSparksImage(Podman podman, String ours) throws Exception {
        Path context = Files.createDirectories(images.resolve("image"));
        Path jars = Files.createDirectories(context.resolve("jars"));
        try (Stream<Path> needed = Files.list(RealBroker.home().resolve("local/executors/target/lib"))) {
            for (Path jar : needed.toList()) {
                Files.copy(jar, jars.resolve(jar.getFileName()));
            }
        }
        // Hadoop runs the latter on files of its own
        for (String program : List.of("sh", "chmod")) {
            Files.copy(
                    Path.of("/bin", program).toRealPath(),
                    context.resolve(program),
                    StandardCopyOption.COPY_ATTRIBUTES);
        }
        try (var script = ImageExecutorsIT.class.getResourceAsStream("entrypoint.sh")) {
            Files.copy(script, context.resolve("entrypoint.sh"));
        }
        context.resolve("entrypoint.sh").toFile().setExecutable(true, false);
        Files.writeString(context.resolve("Containerfile"), """
                FROM %s
                COPY sh chmod /bin/
                COPY entrypoint.sh /opt/entrypoint.sh
                COPY jars /opt/spark/jars
                ENTRYPOINT ["/opt/entrypoint.sh"]
                """.formatted(ours));
        String image = "localhost/sluice-streaming:executors";
        podman.run("build", "--network=none", "--tag=" + image, context.toString())
                .orFail();
        return image;
    }

    private void send() {
        while (!enough.get()) {
            try {
                HttpResponse<String> response = Web.post(
                        httpPort,
                        "{\"event_type\":\"order\",\"timestamp\":" + System.currentTimeMillis() + ",\"params\":{}}");
                assertThat(response.statusCode()).as(response.body()).isEqualTo(202);
                accepted.incrementAndGet();
            } catch (IOException | InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    private void untilReplaced(List<String> executors) throws Exception {
        until(() -> node.pods(EXECUTOR).size() == EXECUTORS
                && node.pods(EXECUTOR).stream().noneMatch(executors::contains));
    }

    private void untilCounted(int events) throws Exception {
        until(() -> counted() >= events);
    }

    private long counted() throws Exception {
        JsonNode counts = JSON.readTree(Web.get(managementPort, "/api/counts").body());
        long sum = 0;
        for (JsonNode count : counts.findValues("count")) {
            sum += count.asLong();
        }
        return sum;
    }

    private void until(Callable<Boolean> condition) throws Exception {
        try {
            Awaitility.await().atMost(PATIENCE).until(() -> {
                assertThat(node.failures()).isEmpty();
                return condition.call();
            });
        } catch (ConditionTimeoutException e) {
            StringBuilder said = new StringBuilder("what the pods said: ");
            for (String name : node.names()) {
                said.append("\n---- ").append(name).append('\n').append(podman.logs(name));
            }
            throw new AssertionError(said.toString(), e);
        }
    }
}
