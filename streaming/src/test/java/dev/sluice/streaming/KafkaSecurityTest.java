package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.events.CountRecord;
import dev.sluice.events.SecuredBroker;
import dev.sluice.settings.Environment;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.invoke.MethodHandles;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.apache.spark.sql.streaming.StreamingQueryListener;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each client of Kafka that streaming and its jobs have, on a real broker that wants TLS, and a password or a token. */
class KafkaSecurityTest {
    private static final SparkSession SPARK = Sessions.local();
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final String PREFIX = Settings.CONSUMER_PREFIX;

    @TempDir
    static Path folder;

    private static SecuredBroker broker;
    private static Kafka kafka;

    @BeforeAll
    static void start() throws Exception {
        // the JDK's server reads its timeouts once: ours, and not those of the server of tokens
        MethodHandles.lookup().ensureInitialized(Operations.class);
        broker = SecuredBroker.start(folder);
        kafka = new Kafka(folder, broker.broker(), broker.inside());
    }

    @AfterAll
    static void stop() {
        kafka.close();
        broker.close();
    }

    @Test
    void scram_countsPublishesAndReplays() throws Exception {
        countsPublishesAndReplays("scram", broker.scram(PREFIX, SecuredBroker.PASSWORD));
    }

    @Test
    void oauthbearer_countsPublishesAndReplays() throws Exception {
        countsPublishesAndReplays("oauthbearer", broker.oauthbearerOfOld(PREFIX, SecuredBroker.SECRET));
    }

    @Test
    void scram_wrongPassword_isSaid_andNotWhichOne() throws Exception {
        kafka.createTopic("wrong", Map.of());
        String password = "wrong-and-secret-too";
        Settings settings = Settings.read(kafka.environment("wrong", broker.scram(PREFIX, password)));
        Queue<String> said = new ConcurrentLinkedQueue<>();
        Thread waiting = new Thread(() -> {
            try {
                new AwaitedTopics(settings.awaited(), settings.consumer()).await(said::add);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        waiting.start();
        try {
            await().atMost(PATIENCE).untilAsserted(() -> assertThat(String.join("\n", said))
                    .contains("Kafka lets nobody in with these settings (Authentication failed")
                    .doesNotContain(password));
        } finally {
            waiting.interrupt();
            waiting.join();
        }

        StreamingQuery query = Counting.start(SPARK, settings, (batch, id) -> {});
        await().atMost(PATIENCE).until(() -> !query.isActive());
        StringWriter failure = new StringWriter();
        query.exception().get().printStackTrace(new PrintWriter(failure));
        assertThat(failure.toString()).contains("SaslAuthenticationException").doesNotContain(password);
    }

    private static void countsPublishesAndReplays(String topic, Map<String, String> login) throws Exception {
        kafka.createTopic(topic, Map.of());
        kafka.createTopic(topic + "-dead", Map.of());
        kafka.createTopic(topic + "-counts", Map.of("cleanup.policy", "compact"));
        kafka.store(topic, Instant.now(), "{\"event_type\":\"a\"}");
        kafka.store(topic, Instant.now(), "no event");
        kafka.flush();
        Environment environment = environment(topic, login);
        Settings settings = Settings.read(environment);

        new AwaitedTopics(settings.awaited(), settings.consumer()).await(System.err::println);
        count(settings);
        assertThat(kafka.records(topic + "-dead")).hasSize(1).allMatch(letter -> new String(letter.value(), UTF_8)
                .equals("no event"));

        assertThat(said(out -> Backfill.run(SPARK, BackfillSettings.read(environment), out)))
                .contains("2 records to look at")
                .contains("|malformed|1");
        assertThat(said(out -> Replay.run(SPARK, ReplaySettings.read(environment), out)))
                .contains("Sent 1 records");
        assertThat(kafka.records(topic)).hasSize(3);
    }

    /** Until the counts are published and the offsets are copied to the group. */
    private static void count(Settings settings) throws Exception {
        Metrics metrics = new Metrics();
        Health health = new Health(Duration.ofMinutes(1), System::nanoTime);
        OffsetMirror mirror = new OffsetMirror(settings.group(), settings.consumer());
        try (Sinks sinks = Sinks.open(settings, 0, metrics, health);
                Admin admin = kafka.admin()) {
            StreamingQueryListener listener = new ProgressListener(SPARK, metrics, health, mirror, sinks::tell);
            SPARK.streams().addListener(listener);
            StreamingQuery query = Counting.start(SPARK, settings, sinks);
            try {
                await().atMost(PATIENCE).untilAsserted(() -> assertThat(outcomes(settings))
                        .isEqualTo(JSON.readTree(
                                "{\"counted\":1,\"late\":0,\"future\":0,\"malformed\":1,\"duplicate\":0}")));
                await().atMost(PATIENCE).until(() -> copied(settings, admin) == 2);
            } finally {
                query.stop();
                SPARK.streams().removeListener(listener);
            }
        }
    }

    /** As the topic of counts says it last. */
    private static JsonNode outcomes(Settings settings) throws Exception {
        JsonNode outcomes = JSON.createObjectNode();
        for (ConsumerRecord<byte[], byte[]> record :
                kafka.records(settings.counts().orElseThrow())) {
            if (new String(record.key(), UTF_8).equals(CountRecord.PROGRESS)) {
                outcomes = JSON.readTree(record.value()).get(CountRecord.OUTCOMES);
            }
        }
        return outcomes;
    }

    private static long copied(Settings settings, Admin admin) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> offsets = admin.listConsumerGroupOffsets(settings.group())
                .partitionsToOffsetAndMetadata()
                .get();
        return offsets.values().stream().mapToLong(OffsetAndMetadata::offset).sum();
    }

    private static Environment environment(String topic, Map<String, String> login) {
        Map<String, String> variables = new HashMap<>(login);
        variables.put("SINKS", "kafka");
        variables.put("COUNTS_TOPIC", topic + "-counts");
        variables.put("DEAD_LETTER_TOPIC", topic + "-dead");
        variables.put("CONSUMER_GROUP", topic);
        return kafka.environment(topic, variables);
    }

    private interface Work {
        void tell(PrintStream out) throws Exception;
    }

    private static String said(Work work) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        work.tell(new PrintStream(bytes, true, UTF_8));
        return bytes.toString(UTF_8);
    }
}
