package dev.sluice.streaming;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import dev.sluice.settings.Environment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Timestamp;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StateOperatorProgress;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.apache.spark.sql.streaming.StreamingQueryListener;

/** Every record that is read has one outcome, on a real broker and whatever comes. */
class ConservationTest {
    private static final SparkSession SPARK = Sessions.local();
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final long MINUTE = 60_000;
    private static final long LATENESS = 10 * MINUTE;
    private static final long SKEW = MINUTE;
    private static final int RECORDS = 60_000;
    private static final int PARTITIONS = 3;

    private static Path folder;
    private static RealBroker broker;

    /** What a reader of the sink knows: the last count for each window, type and outcome. */
    private final Map<List<Object>, Long> counts = new ConcurrentHashMap<>();

    private final List<Progress> batches = java.util.Collections.synchronizedList(new ArrayList<>());

    @BeforeContainer
    static void start() throws Exception {
        folder = java.nio.file.Files.createTempDirectory("conservation");
        broker = RealBroker.start(folder.resolve("kafka"));
    }

    @AfterContainer
    static void stop() throws Exception {
        broker.close();
        org.apache.commons.io.FileUtils.deleteDirectory(folder.toFile());
    }

    /**
     * A backlog of some hours, of which partitions hold different ones, then what comes in meanwhile: types, times back and
     * forth, ids repeated, garbage, clocks off by years; the query is stopped at any moment, within batches, and goes on.
     */
    @Property(tries = 2, shrinking = ShrinkingMode.OFF)
    void counts_anyStreamAndRestarts_areAsPlainJavaCountsThem(@ForAll Random random) throws Exception {
        String topic = "any-" + System.nanoTime();
        createTopic(topic);
        counts.clear();
        batches.clear();
        Map<List<Object>, Long> expected = new HashMap<>();
        Set<String> ids = new HashSet<>();
        long now = System.currentTimeMillis();
        produce(topic, backlog(random, now), expected, ids);
        StreamingQueryListener listener = listener();
        SPARK.streams().addListener(listener);
        try {
            for (int restart = random.nextInt(4); restart > 0; restart--) {
                StreamingQuery query = query(topic, Map.of());
                long some = sum(expected) * restart / 8;
                await().atMost(PATIENCE).until(() -> sum(counts) > some || random.nextInt(20) == 0);
                query.stop();
            }
            StreamingQuery query = query(topic, Map.of());
            await().atMost(PATIENCE).until(() -> sum(counts) > RECORDS / 2);
            produce(topic, fresh(random), expected, ids);
            long all = sum(expected);
            await().atMost(PATIENCE).untilAsserted(() -> assertThat(sum(counts)).isEqualTo(all));
            query.processAllAvailable();
            query.stop();
        } finally {
            for (StreamingQuery query : SPARK.streams().active()) {
                query.stop();
            }
            SPARK.streams().removeListener(listener);
        }
        assertThat(differences(withoutWindowsOfDuplicates(counts), expected)).isEmpty();
        assertConserved();
    }

    @Example
    void counts_oneEventAYearAhead_movesNothing_norAfterARestart() throws Exception {
        createTopic("ahead");
        long year = Duration.ofDays(365).toMillis();
        for (int round = 1; round <= 2; round++) {
            List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
            long now = System.currentTimeMillis();
            records.add(record(0, now, event("a", "", now + year)));
            for (int i = 0; i < 10; i++) {
                records.add(record(i % PARTITIONS, now, event("a", "", now - i * MINUTE / 2)));
            }
            send("ahead", records);
            StreamingQuery query = query("ahead", Map.of());
            int rounds = round;
            await().atMost(PATIENCE).untilAsserted(() -> {
                assertThat(sum(counts, "counted")).isEqualTo(10L * rounds);
                assertThat(sum(counts, "future")).isEqualTo(rounds);
            });
            query.processAllAvailable();
            query.stop();
            assertThat(sum(counts)).isEqualTo(11L * rounds);
        }
    }

    @Example
    void state_idleTopic_isGivenBack() throws Exception {
        createTopic("idle");
        long now = System.currentTimeMillis();
        send("idle", List.of(record(0, now, event("a", "1", now)), record(1, now, event("a", "", now))));
        StreamingQuery query = query("idle", Map.of("WINDOW", "1s", "LATENESS", "1s", "SKEW", "1s"));
        await().atMost(PATIENCE).until(() -> sum(counts, "counted") == 2);
        // closed windows and ids that can come no more: nobody has sent anything since
        await().atMost(PATIENCE)
                .until(() -> query.lastProgress() != null
                        && Arrays.stream(query.lastProgress().stateOperators())
                                .allMatch(state -> state.numRowsTotal() == 0));
        assertThat(Arrays.stream(query.lastProgress().stateOperators()).map(StateOperatorProgress::operatorName))
                .contains("stateStoreSave", "flatMapGroupsWithState");
        // behind the watermark by now, but not by its receipt
        send("idle", List.of(record(0, now, event("a", "1", now))));
        await().atMost(PATIENCE).until(() -> sum(counts, "late") == 1);
        query.stop();
    }

    private List<ProducerRecord<byte[], byte[]>> backlog(Random random, long now) {
        List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
        long[] received = new long[PARTITIONS];
        for (int partition = 0; partition < PARTITIONS; partition++) {
            received[partition] = now - 20 * MINUTE - random.nextInt(180) * MINUTE;
        }
        while (records.size() < RECORDS) {
            int partition = random.nextInt(4) == 0 ? random.nextInt(PARTITIONS) : 0;
            received[partition] = Math.min(now, received[partition] + random.nextInt(400));
            records.add(record(partition, disordered(random, received[partition]), random));
        }
        return records;
    }

    private List<ProducerRecord<byte[], byte[]>> fresh(Random random) {
        List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            long received = System.currentTimeMillis();
            records.add(record(random.nextInt(PARTITIONS), disordered(random, received), random));
        }
        return records;
    }

    private static long disordered(Random random, long received) {
        // half of what may be, for to send it takes some time
        return received - random.nextInt((int) Watermark.DISORDER.toMillis() / 2);
    }

    private static ProducerRecord<byte[], byte[]> record(int partition, long received, Random random) {
        String type = List.of("a", "b", "user_click").get(random.nextInt(3));
        int kind = random.nextInt(20);
        if (kind == 0) {
            return record(partition, received, "{\"event_type\":" + random.nextInt(100));
        }
        if (kind < 6) {
            return record(partition, received, event(type, "", -1));
        }
        if (kind < 8) {
            long years = Duration.ofDays(365L * (1 + random.nextInt(40))).toMillis();
            return record(partition, received, event(type, "", received + (random.nextBoolean() ? years : -years)));
        }
        long time = received - random.nextInt(12 * (int) MINUTE) + MINUTE;
        return record(partition, received, event(type, kind < 14 ? "" : id(random, type, time), time));
    }

    /** Of few, so that many come twice and more; events of one id are the same. */
    private static String id(Random random, String type, long time) {
        return type + "-" + time / 1_000 + "-" + random.nextInt(2);
    }

    /** @param timestamp -1 for none; of an event with an id, cut to what the id says */
    private static String event(String type, String id, long timestamp) {
        String time = timestamp < 0 ? "" : ",\"timestamp\":" + (id.isEmpty() ? timestamp : timestamp / 1_000 * 1_000);
        return "{\"event_type\":\"" + type + "\"" + (id.isEmpty() ? "" : ",\"event_id\":\"" + id + "\"") + time + "}";
    }

    private static ProducerRecord<byte[], byte[]> record(int partition, long received, String value) {
        return new ProducerRecord<>("?", partition, received, null, value.getBytes(StandardCharsets.UTF_8));
    }

    /** Sends, and notes what plain Java makes of it. */
    private static void produce(
            String topic,
            List<ProducerRecord<byte[], byte[]>> records,
            Map<List<Object>, Long> expected,
            Set<String> ids)
            throws Exception {
        for (ProducerRecord<byte[], byte[]> record : records) {
            expected.merge(reference(record, ids), 1L, Long::sum);
        }
        send(topic, records);
    }

    private static List<Object> reference(ProducerRecord<byte[], byte[]> record, Set<String> ids) {
        long received = record.timestamp();
        String json = new String(record.value(), StandardCharsets.UTF_8);
        if (!json.endsWith("}")) {
            return List.of(minute(received), "-", "malformed");
        }
        String type = field(json, "event_type");
        String id = field(json, "event_id");
        String time = field(json, "timestamp");
        long at = time.isEmpty() ? received : Long.parseLong(time);
        if (at < received - LATENESS) {
            return List.of(minute(received), type, "late");
        }
        if (at > received + SKEW) {
            return List.of(minute(received), type, "future");
        }
        if (!id.isEmpty() && !ids.add(id)) {
            return List.of(0L, type, "duplicate");
        }
        return List.of(minute(at), type, "counted");
    }

    private static String field(String json, String name) {
        int start = json.indexOf('"' + name + "\":");
        return start < 0
                ? ""
                : json.substring(start + name.length() + 3)
                        .replaceFirst("[,}].*", "")
                        .replace("\"", "");
    }

    private static long minute(long millis) {
        return Math.floorDiv(millis, MINUTE) * MINUTE;
    }

    /** Which of several is the duplicate, and so in which window it is, is for the order of reading to say. */
    private static Map<List<Object>, Long> withoutWindowsOfDuplicates(Map<List<Object>, Long> counts) {
        Map<List<Object>, Long> without = new HashMap<>();
        counts.forEach((key, count) -> without.merge(
                List.of(key.get(2).equals("duplicate") ? 0L : key.get(0), key.get(1), key.get(2)), count, Long::sum));
        return without;
    }

    /** For each key that differs, both counts. */
    private static Map<List<Object>, String> differences(
            Map<List<Object>, Long> counted, Map<List<Object>, Long> right) {
        Set<List<Object>> keys = new HashSet<>(counted.keySet());
        keys.addAll(right.keySet());
        Map<List<Object>, String> differences = new HashMap<>();
        for (List<Object> key : keys) {
            long is = counted.getOrDefault(key, 0L);
            long should = right.getOrDefault(key, 0L);
            if (is != should) {
                differences.put(key, is + " instead of " + should);
            }
        }
        return differences;
    }

    private void assertConserved() {
        assertThat(batches).isNotEmpty();
        for (Progress batch : batches) {
            assertThat(batch.outcomes().values().stream()
                            .mapToLong(Long::longValue)
                            .sum())
                    .as(batch.toString())
                    .isEqualTo(batch.records());
            assertThat(batch.dropped()).as(batch.toString()).isZero();
        }
    }

    private StreamingQueryListener listener() {
        return new StreamingQueryListener() {
            @Override
            public void onQueryStarted(QueryStartedEvent event) {}

            @Override
            public void onQueryProgress(QueryProgressEvent event) {
                Progress.of(event.progress()).ifPresent(batches::add);
            }

            @Override
            public void onQueryTerminated(QueryTerminatedEvent event) {}
        };
    }

    private static long sum(Map<List<Object>, Long> counts) {
        return counts.values().stream().mapToLong(Long::longValue).sum();
    }

    private static long sum(Map<List<Object>, Long> counts, String outcome) {
        return counts.entrySet().stream()
                .filter(entry -> entry.getKey().get(2).equals(outcome))
                .mapToLong(Map.Entry::getValue)
                .sum();
    }

    private StreamingQuery query(String topic, Map<String, String> more) throws Exception {
        Map<String, String> environment = new HashMap<>(Map.of(
                "EVENTS_TOPIC",
                topic,
                "KAFKA_PORT",
                Integer.toString(broker.port()),
                "TRIGGER",
                "100ms",
                "CHECKPOINT_DIR",
                folder.resolve("checkpoint-" + topic).toString()));
        environment.putAll(more);
        return Counting.start(SPARK, Settings.read(new Environment(environment)), (batch, id) -> keep(batch));
    }

    private void keep(Dataset<Row> batch) {
        for (Row row : batch.selectExpr("window.start", "coalesce(event_type, '-')", "outcome", "count")
                .collectAsList()) {
            Timestamp start = row.getTimestamp(0);
            counts.put(List.of(start.getTime(), row.getString(1), row.getString(2)), row.getLong(3));
        }
    }

    private static void createTopic(String topic) throws Exception {
        RealTopics.create(broker, PARTITIONS, topic);
    }

    private static void send(String topic, List<ProducerRecord<byte[], byte[]>> records) {
        Map<String, Object> settings = Map.of("bootstrap.servers", broker.bootstrapServers(), "linger.ms", 20);
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (ProducerRecord<byte[], byte[]> record : records) {
                producer.send(new ProducerRecord<>(
                        topic, record.partition(), record.timestamp(), record.key(), record.value()));
            }
        }
    }
}
