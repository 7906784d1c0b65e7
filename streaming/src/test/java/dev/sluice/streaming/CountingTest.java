package dev.sluice.streaming;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import dev.sluice.settings.Environment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The query on a real broker. */
class CountingTest {
    private static final SparkSession SPARK = Sessions.local();

    @TempDir
    static Path folder;

    private static RealBroker broker;

    /** What a reader of the sink knows: the last count for each window, type and outcome. */
    private final Map<List<Object>, Long> counts = new ConcurrentHashMap<>();

    @BeforeAll
    static void start() {
        broker = RealBroker.start(folder.resolve("kafka"));
    }

    @AfterAll
    static void stop() {
        broker.close();
    }

    @Test
    void start_stoppedAndStartedAgain_goesOnWhereItWas() throws Exception {
        createTopic("restarted");
        StreamingQuery first = query("restarted");
        produce("restarted", "a", 500);
        await().atMost(Duration.ofMinutes(1)).until(() -> total("a") == 500);
        first.stop();
        counts.clear();

        produce("restarted", "a", 250);
        produce("restarted", "b", 30);
        StreamingQuery second = query("restarted");
        await().atMost(Duration.ofMinutes(1)).until(() -> total("b") == 30);
        second.processAllAvailable();
        second.stop();
        long windowsOfFirst = total("a");
        // a window that the second run changed is shown whole, with what the first run counted in it
        assertThat(windowsOfFirst).isBetween(250L, 750L);
        assertThat(second.recentProgress()).isNotEmpty();
        long read = java.util.Arrays.stream(second.recentProgress())
                .flatMap(progress -> Progress.of(progress).stream())
                .mapToLong(Progress::records)
                .sum();
        assertThat(read).isEqualTo(280);
    }

    @Test
    void start_failedBatch_isCountedOnce() throws Exception {
        createTopic("failing");
        produce("failing", "a", 100);
        StreamingQuery failing = Counting.start(SPARK, settings("failing"), (batch, id) -> {
            batch.collectAsList();
            throw new IllegalStateException("the sink is full");
        });
        await().atMost(Duration.ofMinutes(1)).until(() -> !failing.isActive());
        assertThat(failing.exception().isDefined()).isTrue();
        StreamingQuery second = query("failing");
        await().atMost(Duration.ofMinutes(1)).until(() -> total("a") >= 100);
        second.stop();
        assertThat(total("a")).isEqualTo(100);
    }

    @Test
    void start_watched_metricsAddUpToWhatWasStored() throws Exception {
        createTopic("watched");
        Metrics metrics = new Metrics();
        Health health = new Health(Duration.ofSeconds(1), System::nanoTime);
        OffsetMirror mirror = new OffsetMirror("watchers", settings("watched").consumer());
        ProgressListener listener = new ProgressListener(SPARK, metrics, health, mirror, status -> {});
        SPARK.streams().addListener(listener);
        try {
            produce("watched", "a", 300);
            produce("watched", "no \" type", 20);
            StreamingQuery query = query("watched");
            await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> assertThat(metrics.scrape())
                    .contains("sluice_records_read_total 320.0")
                    .contains("sluice_rows_total{outcome=\"counted\"} 300.0")
                    .contains("sluice_rows_total{outcome=\"malformed\"} 20.0")
                    .contains("sluice_rows_unaccounted 0.0")
                    .contains("sluice_rows_dropped_total 0.0")
                    .contains("sluice_lag_records{partition=\"0\",topic=\"watched\"} 0.0")
                    .contains("sluice_lag_seconds{partition=\"1\",topic=\"watched\"} 0.0")
                    .containsPattern("sluice_watermark_age_seconds \\d+\\.\\d+")
                    .contains("sluice_state_rows{operator=\"stateStoreSave\"} 2.0")
                    .containsPattern("sluice_state_bytes\\{operator=\"flatMapGroupsWithState\"} \\d+")
                    .containsPattern("sluice_batch_duration_seconds_sum\\{phase=\"addBatch\"} \\d"));
            await().atMost(Duration.ofMinutes(1))
                    .until(() -> committed("watchers").values().stream()
                                    .mapToLong(OffsetAndMetadata::offset)
                                    .sum()
                            == 320);
            query.stop();
        } finally {
            SPARK.streams().removeListener(listener);
        }
    }

    @Test
    void await_missingTopic_saysSoAndWaits() throws Exception {
        List<String> said = new CopyOnWriteArrayList<>();
        AwaitedTopics topic =
                new AwaitedTopics(Set.of("later"), settings("later").consumer());
        CompletableFuture<Void> waiting = CompletableFuture.runAsync(() -> {
            try {
                topic.await(said::add);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        await().atMost(Duration.ofMinutes(1)).until(() -> said.toString().contains("not all exist yet"));
        assertThat(waiting).isNotDone();
        createTopic("later");
        waiting.get(1, TimeUnit.MINUTES);
        assertThat(said).hasSize(1);
    }

    @Test
    void copy_kafkaAway_returnsAtOnce() {
        OffsetMirror mirror =
                new OffsetMirror("nobody", Map.of("bootstrap.servers", "localhost:" + RealBroker.freePort()));
        long start = System.nanoTime();
        for (long offset = 0; offset < 1_000; offset++) {
            mirror.copy(Map.of(new TopicPartition("events", 0), offset));
        }
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(2));
    }

    private static Map<TopicPartition, OffsetAndMetadata> committed(String group) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            return admin.listConsumerGroupOffsets(group)
                    .partitionsToOffsetAndMetadata()
                    .get(60, TimeUnit.SECONDS);
        }
    }

    private StreamingQuery query(String topic) throws TimeoutException {
        return Counting.start(SPARK, settings(topic), (batch, id) -> keep(batch));
    }

    private void keep(Dataset<Row> batch) {
        for (Row row : batch.selectExpr("window.start", "coalesce(event_type, '-')", "outcome", "count")
                .collectAsList()) {
            counts.put(List.of(row.getTimestamp(0), row.getString(1), row.getString(2)), row.getLong(3));
        }
    }

    private long total(String type) {
        return counts.entrySet().stream()
                .filter(entry -> entry.getKey().get(1).equals(type))
                .mapToLong(Map.Entry::getValue)
                .sum();
    }

    private static Settings settings(String topic) {
        return Settings.read(new Environment(Map.of(
                "EVENTS_TOPIC",
                topic,
                "KAFKA_PORT",
                Integer.toString(broker.port()),
                "TRIGGER",
                "100ms",
                "CHECKPOINT_DIR",
                folder.resolve("checkpoint-" + topic).toString())));
    }

    private static void createTopic(String topic) throws Exception {
        RealTopics.create(broker, 2, topic);
    }

    private static void produce(String topic, String type, int events) {
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.bootstrapServers()),
                new StringSerializer(),
                new StringSerializer())) {
            for (int i = 0; i < events; i++) {
                producer.send(new ProducerRecord<>(topic, "{\"event_type\":\"" + type + "\"}"));
            }
        }
    }
}
