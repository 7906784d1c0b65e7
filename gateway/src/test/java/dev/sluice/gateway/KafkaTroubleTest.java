package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.awaitReady;
import static dev.sluice.gateway.Fixture.get;
import static dev.sluice.gateway.Fixture.management;
import static org.apache.kafka.common.acl.AclOperation.ALL;
import static org.apache.kafka.common.acl.AclOperation.ALTER;
import static org.apache.kafka.common.acl.AclOperation.CLUSTER_ACTION;
import static org.apache.kafka.common.acl.AclOperation.DESCRIBE;
import static org.apache.kafka.common.acl.AclOperation.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.Golden;
import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import dev.sluice.events.Rejection;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.ext.web.client.WebClient;
import io.vertx.junit5.VertxExtension;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A Kafka that is there, and takes nothing: each reason has its code, and the gateway goes on when it is gone. */
@ExtendWith({VertxExtension.class, EventLoopWatch.class})
class KafkaTroubleTest {
    private static final String TOPIC = "events";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    Path folder;

    private final Vertx clients = Vertx.vertx();
    private final WebClient client = WebClient.create(clients);

    @AfterEach
    void stop() throws Exception {
        get(clients.close());
    }

    @Test
    void partitionWithoutLeader() throws Exception {
        try (RealBroker first = RealBroker.start(folder.resolve("1"));
                RealBroker second = first.startSecond(folder.resolve("2"))) {
            createTopic(first, List.of(2), Map.of());
            troubled(first, second, Rejection.KAFKA_NO_LEADER, "Partition 0 of events");
        }
    }

    @Test
    void fewerReplicasInSyncThanKafkaWants() throws Exception {
        try (RealBroker first = RealBroker.start(folder.resolve("1"));
                RealBroker second = first.startSecond(folder.resolve("2"))) {
            createTopic(first, List.of(1, 2), Map.of("min.insync.replicas", "2"));
            troubled(first, second, Rejection.KAFKA_TOO_FEW_REPLICAS, "has 1 of 2");
        }
    }

    /** While the second broker is away the answer has a code of its own; and then events are taken again. */
    private void troubled(RealBroker first, RealBroker second, Rejection rejection, String detail) throws Exception {
        Settings settings = Fixture.settings(
                first.port(),
                Map.of("KAFKA_PRODUCER_DELIVERY_TIMEOUT_MS", "4000", "KAFKA_PRODUCER_REQUEST_TIMEOUT_MS", "2000"));
        Running gateway = run(settings);
        assertThat(post(settings).statusCode()).isEqualTo(202);
        second.kill();
        assertRefused(settings, rejection, detail);
        try (RealBroker again = second.restart()) {
            assertThat(again.process().isAlive()).isTrue();
            awaitTaken(settings);
        }
        gateway.stop();
    }

    @Test
    void writeNotAllowed_fromTheBeginning_andLater() throws Exception {
        Map<String, String> authorizer = Map.of(
                "authorizer.class.name",
                "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "allow.everyone.if.no.acl.found",
                "true");
        try (RealBroker broker = RealBroker.start(folder.resolve("1"), authorizer);
                Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            createTopic(broker, List.of(1), Map.of());
            // who may write to no topic at all gets no producer id either, and his producer fails for good
            allow(admin, "User:other", "*", ALL);
            allow(admin, "User:ANONYMOUS", "*", DESCRIBE);
            admin.createAcls(Stream.of(CLUSTER_ACTION, ALTER, DESCRIBE)
                            .map(operation -> new AclBinding(
                                    new ResourcePattern(ResourceType.CLUSTER, "kafka-cluster", PatternType.LITERAL),
                                    new AccessControlEntry("User:ANONYMOUS", "*", operation, AclPermissionType.ALLOW)))
                            .toList())
                    .all()
                    .get(60, TimeUnit.SECONDS);
            Settings settings = Fixture.settings(broker.port(), Map.of());
            Running gateway = run(settings);
            assertRefused(settings, Rejection.KAFKA_UNAUTHORIZED, "no WRITE to the topic events");
            allow(admin, "User:ANONYMOUS", TOPIC, WRITE);
            awaitTaken(settings);
            withdraw(admin, "User:ANONYMOUS", TOPIC, WRITE);
            assertRefused(settings, Rejection.KAFKA_UNAUTHORIZED, "no WRITE to the topic events");
            allow(admin, "User:ANONYMOUS", TOPIC, WRITE);
            awaitTaken(settings);
            gateway.stop();
        }
    }

    /** Its fault alone: the gateway stays ready. */
    @Test
    void recordThatTheTopicDoesNotTake() throws Exception {
        try (RealBroker broker = RealBroker.start(folder.resolve("1"));
                Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            // a compacted topic takes no record without a key
            createTopic(broker, List.of(1), Map.of("cleanup.policy", "compact", "max.message.bytes", "1000"));
            Settings settings = Fixture.settings(broker.port(), Map.of());
            Running gateway = run(settings);
            Fixture.assertProblem(post(settings, Golden.PROTOTYPE), Rejection.KAFKA_REFUSED);
            byte[] noise = new byte[2_000];
            new Random(1).nextBytes(noise);
            // that no compression makes smaller than the topic takes
            String large = "{\"event_type\":\"a\",\"params\":{\"x\":\""
                    + HexFormat.of().formatHex(noise) + "\"}}";
            Fixture.assertProblem(post(settings, large), Rejection.RECORD_TOO_LARGE);
            assertThat(management(client, settings, "/health/ready").statusCode())
                    .isEqualTo(200);
            admin.incrementalAlterConfigs(Map.of(
                            new ConfigResource(ConfigResource.Type.TOPIC, TOPIC),
                            List.of(new AlterConfigOp(
                                    new ConfigEntry("cleanup.policy", "delete"), AlterConfigOp.OpType.SET))))
                    .all()
                    .get(60, TimeUnit.SECONDS);
            awaitTaken(settings);
            Fixture.assertProblem(post(settings, large), Rejection.RECORD_TOO_LARGE);
            gateway.stop();
        }
    }

    private record Running(Gateway gateway, Vertx vertx) {
        void stop() throws Exception {
            get(gateway.stop());
            get(vertx.close());
        }
    }

    private Running run(Settings settings) throws Exception {
        Vertx vertx = Fixture.vertx();
        Gateway gateway = new Gateway(vertx, settings);
        get(gateway.start());
        awaitReady(client, settings);
        return new Running(gateway, vertx);
    }

    private void assertRefused(Settings settings, Rejection rejection, String detail) {
        await().atMost(PATIENCE).untilAsserted(() -> {
            HttpResponse<Buffer> answer = post(settings);
            Fixture.assertProblem(answer, rejection);
            assertThat(Fixture.json(answer).get("detail").asText()).contains(detail);
        });
        await().untilAsserted(() -> assertThat(
                        management(client, settings, "/health/ready").statusCode())
                .isEqualTo(503));
    }

    private void awaitTaken(Settings settings) {
        await().atMost(PATIENCE).until(() -> post(settings).statusCode() == 202);
        awaitReady(client, settings);
    }

    private HttpResponse<Buffer> post(Settings settings) throws Exception {
        return post(settings, Golden.PROTOTYPE);
    }

    private HttpResponse<Buffer> post(Settings settings, String event) throws Exception {
        return get(client.post(settings.httpPort(), "localhost", "/api/events").sendBuffer(Buffer.buffer(event)));
    }

    private static void createTopic(RealBroker broker, List<Integer> replicas, Map<String, String> settings)
            throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            NewTopic topic = new NewTopic(TOPIC, Map.of(0, replicas)).configs(settings);
            // a broker takes connections some time before the controller gives it partitions
            await().atMost(PATIENCE)
                    .ignoreExceptions()
                    .until(() -> admin.describeCluster().nodes().get().size()
                            >= replicas.stream().mapToInt(id -> id).max().orElse(1));
            RealTopics.create(admin, List.of(topic));
        }
    }

    private static void allow(Admin admin, String who, String topic, AclOperation operation) throws Exception {
        admin.createAcls(List.of(acl(who, topic, operation))).all().get(60, TimeUnit.SECONDS);
    }

    private static void withdraw(Admin admin, String who, String topic, AclOperation operation) throws Exception {
        AclBindingFilter filter = acl(who, topic, operation).toFilter();
        assertThat(admin.deleteAcls(List.of(filter)).all().get(60, TimeUnit.SECONDS))
                .hasSize(1);
    }

    private static AclBinding acl(String who, String topic, AclOperation operation) {
        return new AclBinding(
                new ResourcePattern(ResourceType.TOPIC, topic, PatternType.LITERAL),
                new AccessControlEntry(who, "*", operation, AclPermissionType.ALLOW));
    }
}
