package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.get;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.events.CountRecord;
import dev.sluice.events.RealTopics;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.client.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The private port's counts, of a topic on a real broker. */
@ExtendWith(EventLoopWatch.class)
class CountsApiTest {
    private static final Instant START = Instant.parse("2026-11-24T06:50:00Z");
    private static final int MANY = 30_000;

    @TempDir
    static Path folder;

    private static Fixture gateway;

    @BeforeAll
    static void start() throws Exception {
        gateway = new Fixture(folder, Map.of("COUNTS_WINDOWS", "40000"));
        HttpResponse<Buffer> early = ask("/api/counts");
        assertThat(early.statusCode()).isEqualTo(503);
        assertThat(early.getHeader("Content-Type")).isEqualTo("application/problem+json");
        assertThat(Fixture.json(early).get("detail").asText()).contains("SINKS=console,kafka");
        RealTopics.create(gateway.broker, 2, "event-counts");
        List<ProducerRecord<String, String>> records = new ArrayList<>();
        records.add(count(0, START, "user_click", "counted", 2, ""));
        records.add(count(0, START, "user_click", "counted", 3, ",\"distinct_count\":2,\"p95\":1.5"));
        records.add(count(1, START, "user_click", "late", 1, ""));
        records.add(count(1, START, "", "malformed", 4, ""));
        records.add(count(0, START.plusSeconds(60), "purchase", "counted", 5, ""));
        records.add(new ProducerRecord<>("event-counts", 0, "odd", "no count"));
        records.add(new ProducerRecord<>(
                "event-counts", 0, CountRecord.WATERMARK, "{\"watermark\":\"2026-11-24T06:51:00Z\"}"));
        for (int i = 0; i < MANY; i++) {
            records.add(count(0, START.minus(Duration.ofMinutes(2L + i)), "older", "counted", i, ""));
        }
        send(records);
        await().atMost(Duration.ofMinutes(1))
                .until(() -> ask("/api/counts?outcome=counted&type=older").bodyAsString() != null
                        && ask("/api/counts?type=older").statusCode() == 200
                        && Fixture.json(ask("/api/counts?type=older")).size() == MANY);
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    @Test
    void counts_ofATime_areRowsInOrder() throws Exception {
        JsonNode rows = Fixture.json(ask("/api/counts?from=2026-11-24T06:50:00Z"));
        assertThat(rows.toString())
                .isEqualTo("[" + row(START, "null", "malformed", 4, false, "") + ","
                        + row(START, "\"user_click\"", "counted", 3, true, ",\"distinct_count\":2,\"p95\":1.5") + ","
                        + row(START, "\"user_click\"", "late", 1, false, "") + ","
                        + row(START.plusSeconds(60), "\"purchase\"", "counted", 5, false, "") + "]");
    }

    @Test
    void counts_filtered_areThoseThatFit() throws Exception {
        assertThat(Fixture.json(ask("/api/counts?type=user_click")).size()).isEqualTo(2);
        assertThat(Fixture.json(ask("/api/counts?type=user_click&outcome=late")).size())
                .isEqualTo(1);
        // a window that has begun before is in it, one that begins at its end is not
        assertThat(Fixture.json(ask("/api/counts?from=2026-11-24T06:50:30Z&to=2026-11-24T06:51:00Z"))
                        .size())
                .isEqualTo(3);
        assertThat(Fixture.json(ask("/api/counts?type=nobody")).size()).isZero();
    }

    @Test
    void counts_asCsv_byParameterOrHeader() throws Exception {
        HttpResponse<Buffer> csv = ask("/api/counts?format=csv&from=2026-11-24T06:51:00Z");
        assertThat(csv.getHeader("Content-Type")).isEqualTo("text/csv; charset=utf-8");
        assertThat(csv.bodyAsString(UTF_8.name()))
                .isEqualTo(
                        "window_start,window_end,event_type,outcome,count,final,distinct_count,sum,min,max,p50,p95,p99\r\n"
                                + "2026-11-24T06:51:00Z,2026-11-24T06:52:00Z,purchase,counted,5,false,,,,,,,\r\n");
        HttpResponse<Buffer> accepted = get(gateway.client
                .get(gateway.settings.managementPort(), "localhost", "/api/counts?type=user_click")
                .putHeader("Accept", "text/csv")
                .send());
        assertThat(accepted.bodyAsString()).contains(",user_click,counted,3,true,2,,,,,1.5,\r\n");
    }

    @Test
    void types_areThoseThatHaveCounts() throws Exception {
        assertThat(ask("/api/types").bodyAsString()).isEqualTo("[\"older\",\"purchase\",\"user_click\"]");
    }

    @Test
    void counts_badQuery_saysWhatIsWrong() throws Exception {
        Map<String, String> wrong = Map.of(
                "from=yesterday", "from=yesterday: must be a time such as 2026-11-24T06:50:00Z",
                "outcome=lost", "outcome=lost: must be one of counted, late, future, malformed, duplicate.",
                "format=xml", "format=xml: must be json or csv.",
                "typ=a", "There is no parameter typ; there are type, outcome, from, to, format.");
        for (Map.Entry<String, String> query : wrong.entrySet()) {
            assertRefused("/api/counts?" + query.getKey(), query.getValue());
        }
        assertRefused("/api/counts/stream?type=a", "There is no parameter type; there is from.");
    }

    private static void assertRefused(String path, String detail) throws Exception {
        HttpResponse<Buffer> answer = ask(path);
        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(Fixture.json(answer).get("detail").asText()).contains(detail);
    }

    @Test
    void progress_isWhatStreamingSaidLast_andHowOldThatIs() throws Exception {
        Instant said = Instant.now().minusSeconds(100);
        assertThat(ask("/api/progress").statusCode()).isEqualTo(503);
        send(List.of(new ProducerRecord<>(
                "event-counts",
                0,
                CountRecord.PROGRESS,
                "{\"at\":\"" + said + "\",\"batch\":7,\"complete_until\":\"" + said.minusSeconds(50) + "\"}")));
        await().atMost(Duration.ofMinutes(1)).until(() -> ask("/api/progress").statusCode() == 200);
        JsonNode progress = Fixture.json(ask("/api/progress"));
        assertThat(progress.get("batch").asInt()).isEqualTo(7);
        assertThat(progress.get("age_seconds").asDouble()).isBetween(100.0, 200.0);
        assertThat(progress.get("behind_seconds").asDouble()).isBetween(150.0, 250.0);
    }

    private static String row(Instant start, String type, String outcome, long count, boolean last, String more) {
        return "{\"window_start\":\"" + start + "\",\"window_end\":\"" + start.plusSeconds(60) + "\",\"event_type\":"
                + type + ",\"outcome\":\"" + outcome + "\",\"count\":" + count + ",\"final\":" + last + more + "}";
    }

    private static ProducerRecord<String, String> count(
            int partition, Instant start, String type, String outcome, long count, String more) {
        String end = start.plusSeconds(60).toString();
        String value = "{\"window_start\":\"" + start + "\",\"window_end\":\"" + end + "\""
                + (type.isEmpty() ? "" : ",\"event_type\":\"" + type + "\"") + ",\"outcome\":\"" + outcome
                + "\",\"count\":" + count + more + ",\"batch\":7}";
        return new ProducerRecord<>(
                "event-counts", partition, CountRecord.key(start.toString(), end, outcome, type), value);
    }

    private static void send(List<ProducerRecord<String, String>> records) throws Exception {
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", gateway.broker.bootstrapServers()),
                new StringSerializer(),
                new StringSerializer())) {
            List<Future<?>> stored = new ArrayList<>();
            records.forEach(record -> stored.add(producer.send(record)));
            for (Future<?> each : stored) {
                each.get();
            }
        }
    }

    private static HttpResponse<Buffer> ask(String path) throws Exception {
        return get(gateway.client
                .get(gateway.settings.managementPort(), "localhost", path)
                .send());
    }
}
