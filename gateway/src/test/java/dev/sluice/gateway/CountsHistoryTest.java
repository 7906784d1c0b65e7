package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.datastax.oss.driver.api.core.CqlSession;
import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.events.CountRecord;
import dev.sluice.events.RealBroker;
import dev.sluice.events.RealCassandra;
import dev.sluice.events.RealTopics;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.client.HttpResponse;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Counts that memory has no more, from a real Cassandra with the tables that streaming declares. */
@ExtendWith(EventLoopWatch.class)
@TestMethodOrder(OrderAnnotation.class)
class CountsHistoryTest {
    /** Minutes before it are in Cassandra alone; from it on the topic says something else. */
    private static final Instant KEPT = Instant.parse("2026-11-24T00:10:00Z");

    private static final int OLDER = 60;
    private static final Path TABLES =
            RealBroker.home().resolve("streaming/src/main/resources/dev/sluice/streaming/cassandra");

    @TempDir
    static Path folder;

    private static RealCassandra cassandra;
    private static Fixture gateway;

    @BeforeAll
    static void start() throws Exception {
        cassandra = RealCassandra.start(folder.resolve("cassandra"));
        try (CqlSession session = session()) {
            session.execute("CREATE KEYSPACE sluice WITH replication = {'class': 'NetworkTopologyStrategy',"
                    + " 'datacenter1': 1}");
            for (String table : List.of("counts_by_type", "counts_by_window")) {
                session.execute(Files.readString(TABLES.resolve(table + ".cql")).replace(table, "sluice." + table));
            }
            for (int minute = -OLDER; minute < 2; minute++) {
                insert(session, minute, "user_click", "counted", minute + 100, "2.5");
                insert(session, minute, "user_click", "late", 1, "null");
                insert(session, minute, "", "malformed", 2, "null");
            }
        }
        gateway = new Fixture(
                folder, Map.of("COUNTS_HISTORY", "cassandra", "CASSANDRA_CONTACT_POINTS", cassandra.contactPoint()));
        RealTopics.create(gateway.broker, 1, "event-counts");
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", gateway.broker.bootstrapServers()),
                new StringSerializer(),
                new StringSerializer())) {
            producer.send(count(0, 7)).get();
            producer.send(count(1, 8)).get();
            await().atMost(Duration.ofMinutes(1))
                    .until(() -> ask("/api/counts?from=2026-11-24T00:10:00Z").statusCode() == 200);
            // how long windows are is for streaming to say
            assertThat(detail(ask("/api/counts?from=2026-11-24T00:00:00Z"))).contains("said nothing yet");
            producer.send(new ProducerRecord<>(
                            "event-counts",
                            CountRecord.PROGRESS,
                            "{\"at\":\"2026-11-24T00:20:00Z\",\"window_millis\":60000,\"slide_millis\":60000,"
                                    + "\"watermark\":\"2026-11-24T00:09:00Z\"}"))
                    .get();
        }
        await().atMost(Duration.ofMinutes(1)).until(() -> ask("/api/progress").statusCode() == 200);
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
        cassandra.close();
    }

    @Test
    @Order(1)
    void counts_ofAllTypes_areOlderOnesThenThoseOfMemory() throws Exception {
        JsonNode rows = rows("/api/counts?from=2026-11-24T00:08:00Z");
        assertThat(rows.toString())
                .isEqualTo("[" + row(8, "null", "malformed", 2, true, "") + ","
                        + row(8, "\"user_click\"", "counted", 98, true, ",\"distinct_count\":98,\"sum\":2.5") + ","
                        + row(8, "\"user_click\"", "late", 1, true, ",\"distinct_count\":1") + ","
                        + row(9, "null", "malformed", 2, false, "") + ","
                        + row(9, "\"user_click\"", "counted", 99, false, ",\"distinct_count\":99,\"sum\":2.5") + ","
                        + row(9, "\"user_click\"", "late", 1, false, ",\"distinct_count\":1") + ","
                        + row(10, "\"user_click\"", "counted", 7, false, "") + ","
                        + row(11, "\"user_click\"", "counted", 8, false, "") + "]");
    }

    /** Of two days: a partition each. */
    @Test
    @Order(2)
    void counts_ofOneType_areReadByItsDays() throws Exception {
        JsonNode rows = rows("/api/counts?type=user_click&outcome=counted&from=2026-11-23T23:10:00Z");
        assertThat(rows).hasSize(OLDER + 2);
        List<String> starts = new ArrayList<>();
        rows.forEach(row -> starts.add(row.get("window_start").asText()));
        assertThat(starts).isSorted().startsWith("2026-11-23T23:10:00Z").endsWith("2026-11-24T00:11:00Z");
        assertThat(rows("/api/counts?type=user_click&from=2026-11-23T23:58:30Z&to=2026-11-24T00:00:00Z"))
                .hasSize(4);
        // without a beginning, it is what memory has
        assertThat(rows("/api/counts?type=user_click")).hasSize(2);
    }

    @Test
    @Order(3)
    void counts_ofTooLongATime_areRefused() throws Exception {
        HttpResponse<Buffer> answer = ask("/api/counts?from=2026-11-01T00:00:00Z");
        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(detail(answer))
                .isEqualTo("from and to have 33131 windows; ask for a shorter time, or for one type: 10080 at most are"
                        + " read for one answer from behind what memory has.");
        assertThat(rows("/api/counts?type=user_click&from=2026-11-01T00:00:00Z"))
                .hasSize(2 * OLDER + 2);
    }

    @Test
    @Order(4)
    void counts_storeAway_saysSo_andComesBack() throws Exception {
        cassandra.kill();
        HttpResponse<Buffer> answer = ask("/api/counts?from=2026-11-24T00:08:00Z");
        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(detail(answer)).startsWith("The store of older counts: ");
        assertThat(rows("/api/counts?from=2026-11-24T00:10:00Z")).hasSize(2);
        cassandra = cassandra.restart();
        await().atMost(Duration.ofMinutes(1))
                .until(() -> ask("/api/counts?from=2026-11-24T00:08:00Z").statusCode() == 200);
    }

    private static CqlSession session() {
        return CqlSession.builder()
                .addContactPoint(new InetSocketAddress("localhost", cassandra.port()))
                .withLocalDatacenter("datacenter1")
                .build();
    }

    private static void insert(CqlSession session, int minute, String type, String outcome, int count, String sum) {
        Instant start = KEPT.plusSeconds(60L * minute);
        String columns = "window_start, window_end, event_type, outcome, count, distinct_count, sum";
        String values = "'" + start + "', '" + start.plusSeconds(60) + "', '" + type + "', '" + outcome + "', " + count
                + ", " + (type.isEmpty() ? "null" : count) + ", " + sum;
        session.execute("INSERT INTO sluice.counts_by_window (" + columns + ") VALUES (" + values + ")");
        session.execute("INSERT INTO sluice.counts_by_type (day, " + columns + ") VALUES ('"
                + start.toString().substring(0, 10) + "', " + values + ")");
    }

    private static ProducerRecord<String, String> count(int minute, int count) {
        String start = KEPT.plusSeconds(60L * minute).toString();
        String end = KEPT.plusSeconds(60L * minute + 60).toString();
        return new ProducerRecord<>(
                "event-counts",
                CountRecord.key(start, end, "counted", "user_click"),
                "{\"window_start\":\"" + start + "\",\"window_end\":\"" + end
                        + "\",\"event_type\":\"user_click\",\"outcome\":\"counted\",\"count\":" + count
                        + ",\"batch\":1}");
    }

    private static String row(int minute, String type, String outcome, int count, boolean last, String more) {
        return String.format(
                "{\"window_start\":\"2026-11-24T00:%02d:00Z\",\"window_end\":\"2026-11-24T00:%02d:00Z\",\"event_type\":%s,"
                        + "\"outcome\":\"%s\",\"count\":%d,\"final\":%b%s}",
                minute, minute + 1, type, outcome, count, last, more);
    }

    private static JsonNode rows(String path) throws Exception {
        HttpResponse<Buffer> answer = ask(path);
        assertThat(answer.statusCode()).as(answer.bodyAsString()).isEqualTo(200);
        return Fixture.json(answer);
    }

    private static String detail(HttpResponse<Buffer> answer) throws Exception {
        return Fixture.json(answer).get("detail").asText();
    }

    private static HttpResponse<Buffer> ask(String path) throws Exception {
        return get(gateway.client
                .get(gateway.settings.managementPort(), "localhost", path)
                .send());
    }
}
