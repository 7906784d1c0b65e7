package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.awaitReady;
import static dev.sluice.gateway.Fixture.get;
import static dev.sluice.gateway.Fixture.management;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.read.ListAppender;
import dev.sluice.events.Certificate;
import dev.sluice.events.Golden;
import dev.sluice.events.RealTopics;
import dev.sluice.events.Rejection;
import dev.sluice.events.SecuredBroker;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.ext.web.client.WebClient;
import io.vertx.junit5.VertxExtension;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** On a real Kafka that wants TLS, and a password or a token. */
@ExtendWith({VertxExtension.class, EventLoopWatch.class})
class KafkaSecurityTest {
    private static final String PREFIX = ProducerSettings.PREFIX;
    private static final String WRONG = "wrong-and-secret-too";
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String ALLOWED_URLS = "org.apache.kafka.sasl.oauthbearer.allowed.urls";

    @TempDir
    static Path folder;

    private static SecuredBroker kafka;
    private static final Logger LOGS = (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);

    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private final Vertx clients = Vertx.vertx();
    private final WebClient client = WebClient.create(clients);

    @BeforeAll
    static void start() throws Exception {
        kafka = SecuredBroker.start(folder);
        try (Admin admin = kafka.admin()) {
            RealTopics.create(admin, List.of(new NewTopic("events", 1, (short) 1), RealTopics.counts()));
        }
        System.setProperty(ALLOWED_URLS, kafka.tokenUrl());
    }

    @AfterAll
    static void stop() {
        System.clearProperty(ALLOWED_URLS);
        kafka.close();
    }

    @BeforeEach
    void listen() {
        log.start();
        LOGS.addAppender(log);
    }

    @AfterEach
    void close() throws Exception {
        LOGS.detachAppender(log);
        get(clients.close());
    }

    @Test
    void scram_storesEventsAndReadsCounts_untilTheUserIsGone_andWhenItIsBack() throws Exception {
        Settings settings = settings(kafka.scram(PREFIX, SecuredBroker.PASSWORD));
        try (Running gateway = new Running(settings)) {
            awaitReady(client, settings);
            assertThat(post(settings).statusCode()).isEqualTo(202);
            awaitCountsRead();
            kafka.removeUser();
            kafka.restart();
            assertRefused(settings, "invalid credentials with SASL mechanism SCRAM-SHA-512");
            kafka.addUser();
            await().atMost(PATIENCE).until(() -> post(settings).statusCode() == 202);
            awaitReady(client, settings);
        }
        assertLog("invalid credentials with SASL mechanism SCRAM-SHA-512");
    }

    @Test
    void oauthbearer_storesEventsAndReadsCounts() throws Exception {
        Settings settings = settings(kafka.oauthbearer(PREFIX, SecuredBroker.SECRET));
        try (Running gateway = new Running(settings)) {
            awaitReady(client, settings);
            assertThat(post(settings).statusCode()).isEqualTo(202);
            awaitCountsRead();
        }
        assertLog("ready");
    }

    @Test
    void scram_wrongPassword_isRefusedAndSaid() throws Exception {
        Settings settings = settings(kafka.scram(PREFIX, WRONG));
        try (Running gateway = new Running(settings)) {
            assertRefused(settings, "invalid credentials with SASL mechanism SCRAM-SHA-512");
        }
        assertLog("invalid credentials with SASL mechanism SCRAM-SHA-512");
    }

    @Test
    void oauthbearer_wrongSecret_isRefusedAndSaid() throws Exception {
        Settings settings = settings(kafka.oauthbearer(PREFIX, WRONG));
        try (Running gateway = new Running(settings)) {
            assertRefused(settings, "its log says why");
        }
        assertLog("The response code 401");
    }

    @Test
    void certificateOfAnother_isRefusedAndSaid() throws Exception {
        Map<String, String> variables = kafka.scram(PREFIX, SecuredBroker.PASSWORD);
        variables.put(
                PREFIX + "SSL_TRUSTSTORE_CERTIFICATES_FILE",
                Certificate.create(folder, "another").pem().toString());
        Settings settings = settings(variables);
        try (Running gateway = new Running(settings)) {
            assertRefused(settings, "SSL handshake failed");
        }
        assertLog("SSL handshake failed");
    }

    private final class Running implements AutoCloseable {
        private final Vertx vertx = Fixture.vertx();
        private final Gateway gateway;

        Running(Settings settings) throws Exception {
            gateway = new Gateway(vertx, settings);
            get(gateway.start());
        }

        @Override
        public void close() throws Exception {
            get(gateway.stop());
            get(vertx.close());
        }
    }

    private static Settings settings(Map<String, String> variables) {
        return Fixture.settings(kafka.broker().port(), variables);
    }

    private void assertRefused(Settings settings, String detail) {
        await().atMost(PATIENCE).untilAsserted(() -> {
            HttpResponse<Buffer> answer = post(settings);
            Fixture.assertProblem(answer, Rejection.KAFKA_UNAUTHORIZED);
            assertThat(Fixture.json(answer).get("detail").asText()).contains(detail);
        });
        await().untilAsserted(() -> assertThat(
                        management(client, settings, "/health/ready").statusCode())
                .isEqualTo(503));
    }

    private void awaitCountsRead() {
        await().atMost(PATIENCE).until(() -> messages().stream().anyMatch(line -> line.startsWith("Counts of topic")));
    }

    /** Says why, not at each attempt, and nothing that is secret. */
    private void assertLog(String reason) {
        assertThat(messages()).hasSizeLessThan(200);
        assertThat(messages()).anyMatch(line -> line.contains(reason));
        assertThat(messages())
                .noneMatch(line -> line.contains(SecuredBroker.PASSWORD)
                        || line.contains(SecuredBroker.SECRET)
                        || line.contains(WRONG));
    }

    private List<String> messages() {
        return List.copyOf(log.list).stream()
                .map(event -> event.getFormattedMessage()
                        + (event.getThrowableProxy() == null
                                ? ""
                                : ThrowableProxyUtil.asString(event.getThrowableProxy())))
                .toList();
    }

    private HttpResponse<Buffer> post(Settings settings) throws Exception {
        return get(client.post(settings.httpPort(), "localhost", IngestVerticle.PATH)
                .sendBuffer(Buffer.buffer(Golden.PROTOTYPE)));
    }
}
