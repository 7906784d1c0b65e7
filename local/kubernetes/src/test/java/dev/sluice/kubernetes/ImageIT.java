package dev.sluice.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.Golden;
import dev.sluice.events.Programs;
import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import io.fabric8.kubernetes.api.model.PodSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Both images as containers, with the user, memory, root, command and variables of the local overlay; the broker is a process
 * beside them.
 */
class ImageIT {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final int KILLED = 137;
    private static final int EVENTS = 500;

    @TempDir
    static Path folder;

    private static Podman podman;
    private static Manifests manifests;
    private static String gateway;
    private static String streaming;

    private final int httpPort = RealBroker.freePort();
    private final int managementPort = RealBroker.freePort();
    private final int streamingPort = RealBroker.freePort();

    @BeforeAll
    static void load() throws Exception {
        Programs.require("podman", "runc", "kubectl");
        podman = new Podman(folder);
        manifests = Manifests.render("local");
        Path images = RealBroker.home().resolve("local/kubernetes/target/images");
        gateway = podman.load(images.resolve("sluice-gateway.tar"));
        streaming = podman.load(images.resolve("sluice-streaming.tar"));
    }

    @AfterAll
    static void remove() throws Exception {
        if (podman != null) {
            podman.close();
        }
    }

    @Test
    void images_withinTheManifestsLimits_takeAndCount_andEndInTime() throws Exception {
        int kafkaPort = RealBroker.freePort();
        start("sluice-gateway", gateway, kafkaPort);
        start("sluice-streaming", streaming, kafkaPort);
        // whatever comes up first waits for the others, and is not restarted for that
        await(managementPort, "/health/live", "sluice-gateway");
        await(streamingPort, "/health/live", "sluice-streaming");
        assertThat(Web.get(managementPort, "/health/ready").statusCode()).isEqualTo(503);
        assertThat(Web.get(streamingPort, "/health/ready").statusCode()).isEqualTo(503);
        try (RealBroker broker = RealBroker.start(folder.resolve("kafka"), kafkaPort)) {
            RealTopics.create(broker, 4, "events");
            createCounts(broker);
            await(managementPort, "/health/ready", "sluice-gateway");
            await(streamingPort, "/health/ready", "sluice-streaming");
            for (int i = 0; i < EVENTS; i++) {
                assertThat(Web.post(httpPort, Golden.PROTOTYPE).statusCode()).isEqualTo(202);
            }
            Awaitility.await().atMost(PATIENCE).until(() -> podman.logs("sluice-streaming")
                    .matches("(?s).*\\|user_click *\\|late *\\|" + EVENTS + " *\\|.*"));
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(() -> Web.get(managementPort, "/api/counts").body().contains("\"count\":" + EVENTS));
            assertThat(podman.logs("sluice-gateway")).doesNotContain("[cds]");
            stop("sluice-gateway");
            stop("sluice-streaming");
        }
    }

    /** A JVM that could not use the archive would start all the same. */
    @Test
    void gateway_startsFromTheArchiveOfItsClasses() throws Exception {
        Podman.Result refused = podman.run(
                "run",
                "--rm",
                "--network=host",
                "--env=HTTP_PORT=none",
                "--entrypoint=" + Images.JAVA,
                gateway,
                "-XX:SharedArchiveFile=sluice-gateway.jsa",
                "-Xlog:class+load",
                "-jar",
                "sluice-gateway.jar");
        assertThat(refused.output())
                .contains("dev.sluice.gateway.Main source: shared objects file (top)")
                .contains("HTTP_PORT=none");
        assertThat(refused.status()).isEqualTo(1);
    }

    @Test
    void images_holdTheirSbom() throws Exception {
        assertThat(podman.file(gateway, "/app/sluice-gateway.cdx.json"))
                .hasSameBinaryContentAs(RealBroker.home().resolve("gateway/target/sluice-gateway.cdx.json"));
        assertThat(podman.file(streaming, "/opt/sluice/sluice-streaming.cdx.json"))
                .hasSameBinaryContentAs(RealBroker.home().resolve("streaming/target/sluice-streaming.cdx.json"));
    }

    /** The same image with the libraries of the offload: nobody is there to be asked. */
    @Test
    void streaming_asTheOffload_saysWhatIsMissing() throws Exception {
        Podman.Result refused = podman.run(
                "run",
                "--rm",
                "--network=host",
                "--env=CASSANDRA_CONTACT_POINTS=localhost:" + RealBroker.freePort(),
                "--env=OFFLOAD_PATH=file:///tmp/lake",
                "--entrypoint=" + Images.JAVA,
                streaming,
                "-XX:MaxRAMPercentage=50",
                "@/opt/sluice/lake.arguments",
                "offload");
        assertThat(refused.status()).as(refused.output()).isEqualTo(1);
        assertThat(refused.output()).contains("no node answers for the keyspace sluice");
    }

    private void start(String name, String image, int kafkaPort) throws Exception {
        Map<String, String> variables = new HashMap<>(Map.of(
                "KAFKA_BOOTSTRAP_SERVERS",
                "localhost:" + kafkaPort,
                // by a native library, which has to find what it links to
                "KAFKA_PRODUCER_COMPRESSION_TYPE",
                "zstd",
                "HTTP_PORT",
                Integer.toString(httpPort),
                "MANAGEMENT_PORT",
                Integer.toString(managementPort),
                "STREAMING_PORT",
                Integer.toString(streamingPort),
                "POD_IP",
                "127.0.0.1",
                "POD_NAME",
                name,
                "POD_NAMESPACE",
                "sluice"));
        podman.start(name, image, manifests, pod(name), variables, List.of());
    }

    private static PodSpec pod(String name) {
        return manifests.pods().get(name).getSpec();
    }

    private void stop(String name) throws Exception {
        assertThat(podman.stop(name, pod(name).getTerminationGracePeriodSeconds()))
                .as("status of " + name)
                .isNotEqualTo(KILLED);
    }

    private void await(int port, String path, String name) {
        Awaitility.await().atMost(PATIENCE).until(() -> {
            assertThat(podman.isRunning(name)).as(podman.logs(name)).isTrue();
            return Web.answers(port, path);
        });
    }

    private static void createCounts(RealBroker broker) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            RealTopics.create(admin, List.of(RealTopics.counts()));
        }
    }
}
