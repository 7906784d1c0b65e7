package dev.sluice.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.Golden;
import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import dev.sluice.events.SecuredBroker;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is shipped has all that a login at Kafka takes, and says nothing of what is secret. */
class KafkaSecurityIT {
    @TempDir
    Path folder;

    @Test
    void oauthbearer_partsAsShipped_count() throws Exception {
        try (SecuredBroker kafka = SecuredBroker.start(folder)) {
            try (Admin admin = kafka.admin()) {
                RealTopics.create(admin, List.of(new NewTopic("events", 1, (short) 1)));
            }
            String servers = kafka.broker().bootstrapServers();
            int port = RealBroker.freePort();
            Path gatewayLog = folder.resolve("gateway.log");
            Path streamingLog = folder.resolve("streaming.log");
            Process gateway = Processes.gateway(
                    gatewayLog,
                    port,
                    RealBroker.freePort(),
                    servers,
                    kafka.oauthbearer("KAFKA_PRODUCER_", SecuredBroker.SECRET),
                    "",
                    "-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=" + kafka.tokenUrl());
            try {
                Process streaming = Processes.streaming(
                        streamingLog,
                        RealBroker.freePort(),
                        servers,
                        folder.resolve("checkpoint"),
                        kafka.oauthbearerOfOld("KAFKA_CONSUMER_", SecuredBroker.SECRET));
                try {
                    assertThat(Processes.post(port, Golden.PROTOTYPE).statusCode())
                            .isEqualTo(202);
                    await().atMost(RunLocal.PATIENCE)
                            .until(() -> new Console(streamingLog).totals().equals(Map.of("user_click late", 1L)));
                } finally {
                    streaming.destroyForcibly().onExit().join();
                }
            } finally {
                gateway.destroyForcibly().onExit().join();
            }
            assertThat(Processes.text(gatewayLog) + Processes.text(streamingLog))
                    .doesNotContain(SecuredBroker.SECRET);
        }
    }
}
