package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.assertProblem;
import static dev.sluice.gateway.Fixture.get;
import static dev.sluice.gateway.Fixture.json;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdOutputStream;
import dev.sluice.events.Golden;
import dev.sluice.events.Rejection;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.junit5.VertxExtension;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Many events in one request, and bodies that are compressed. */
@ExtendWith({VertxExtension.class, EventLoopWatch.class})
class BatchTest {
    private static final String ARRAY = "application/json";
    private static final String LINES = "application/x-ndjson";

    @TempDir
    static Path folder;

    private static Fixture gateway;

    @BeforeAll
    static void start() throws Exception {
        gateway = new Fixture(
                folder,
                Map.of(
                        "MAX_EVENT_BYTES", "60000",
                        "MAX_BODY_BYTES", "3000000",
                        "MAX_INFLATED_BYTES", "3000000",
                        "TOPIC_ROUTES", "purchase.*=purchases,exact=purchases",
                        "RECORD_KEY", "params.user"));
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {ARRAY, LINES})
    void post_goldenBatch_takesTheValidOnesByteForByteAndNamesEachOther(String type) throws Exception {
        boolean lines = type.equals(LINES);
        List<byte[]> items = new ArrayList<>();
        List<Rejection> expected = new ArrayList<>();
        for (Golden.Invalid sample : Golden.invalid()) {
            if (isAnItem(sample, lines)) {
                items.add(sample.bytes());
                expected.add(sample.rejection());
                Golden.Valid sibling =
                        Golden.valid().get(items.size() % Golden.valid().size());
                items.add(lines ? oneLine(sibling.bytes()) : sibling.bytes());
                expected.add(null);
            }
        }
        Map<TopicPartition, Long> before = gateway.ends();
        HttpResponse<Buffer> response = gateway.post(type, joined(items, lines));
        assertThat(response.statusCode()).isEqualTo(207);
        assertThat(response.getHeader("Content-Type")).isEqualTo("application/json");
        assertThat(rejected(response)).isEqualTo(byIndex(expected));
        assertThat(json(response).get("accepted").asInt()).isEqualTo(items.size() / 2);
        List<String> stored = values(gateway.recordsSince(before));
        List<String> sent = IntStream.range(0, items.size())
                .filter(i -> expected.get(i) == null)
                .mapToObj(i -> new String(items.get(i), UTF_8).strip())
                .toList();
        assertThat(stored).containsExactlyInAnyOrderElementsOf(sent);
    }

    @Test
    void post_tenThousand_areAllStoredOnce() throws Exception {
        List<byte[]> items = IntStream.range(0, 10_000)
                .mapToObj(i -> ("{\"event_type\":\"many\",\"event_id\":\"" + i + "\"}").getBytes(UTF_8))
                .toList();
        Map<TopicPartition, Long> before = gateway.ends();
        double counted = gateway.metric("sluice_events_total{outcome=\"stored\"}");
        HttpResponse<Buffer> response = gateway.post(LINES, joined(items, true));
        assertThat(response.statusCode()).isEqualTo(202);
        assertThat(json(response).toString()).isEqualTo("{\"accepted\":10000}");
        assertThat(new HashSet<>(values(gateway.recordsSince(before)))).hasSize(10_000);
        assertThat(gateway.metric("sluice_events_total{outcome=\"stored\"}")).isEqualTo(counted + 10_000);
    }

    @Test
    void post_nothingValid_is400WithEachReason() throws Exception {
        HttpResponse<Buffer> response = gateway.post(ARRAY, "[1,{\"event_type\":5},]");
        assertProblem(response, Rejection.NOTHING_TAKEN);
        assertThat(rejected(response))
                .isEqualTo(byIndex(List.of(Rejection.NOT_AN_OBJECT, Rejection.WRONG_TYPE, Rejection.TRAILING_COMMA)));
        JsonNode item = json(response).get("rejected").get(1);
        assertThat(item.get("field").asText()).isEqualTo("event_type");
        assertThat(item.get("retryable").asBoolean()).isFalse();
        assertThat(item.get("detail").asText()).contains("column 15");
    }

    @Test
    void post_batchOfOne_isAnsweredAsABatch() throws Exception {
        HttpResponse<Buffer> response = gateway.post(ARRAY, "[" + Golden.PROTOTYPE + "]");
        assertThat(response.statusCode()).isEqualTo(202);
        assertThat(json(response).toString()).isEqualTo("{\"accepted\":1}");
    }

    @Test
    void post_emptyBatch_isRefused() throws Exception {
        assertProblem(gateway.post(ARRAY, "[]"), Rejection.EMPTY_BATCH);
        assertProblem(gateway.post(LINES, ""), Rejection.EMPTY_BODY);
        assertProblem(gateway.post(LINES, "\r\n"), Rejection.EMPTY_BODY);
    }

    @Test
    void post_tooManyEvents_is413() throws Exception {
        assertProblem(gateway.post(LINES, "{}\n".repeat(10_001)), Rejection.TOO_MANY_EVENTS);
    }

    @Test
    void post_oversizeItem_failsAlone() throws Exception {
        String big = "{\"event_type\":\"big\",\"params\":{\"x\":\"" + "x".repeat(60_000) + "\"}}";
        HttpResponse<Buffer> response = gateway.post(ARRAY, "[" + Golden.PROTOTYPE + "," + big + "]");
        assertThat(response.statusCode()).isEqualTo(207);
        assertThat(rejected(response)).isEqualTo(Map.of(1, Rejection.EVENT_TOO_LARGE));
    }

    @Test
    void post_routedTypes_areOnTheirTopicWithTheirKey() throws Exception {
        Map<TopicPartition, Long> before = gateway.ends();
        String body = Stream.of("purchase.done", "exact", "exactly", "purchases")
                .map(type -> "{\"event_type\":\"" + type + "\",\"params\":{\"user\":\"" + type + "é\"}}")
                .collect(Collectors.joining("\n"));
        assertThat(gateway.post(LINES, body).statusCode()).isEqualTo(202);
        Map<String, String> topics = gateway.recordsSince(before).stream()
                .collect(Collectors.toMap(record -> new String(record.key(), UTF_8), ConsumerRecord::topic));
        assertThat(topics)
                .isEqualTo(Map.of(
                        "purchase.doneé", "purchases",
                        "exacté", "purchases",
                        "exactlyé", "events",
                        "purchasesé", "events"));
        JsonNode receipt = json(gateway.post(ARRAY, "{\"event_type\":\"exact\"}"));
        assertThat(receipt.get("topic").asText()).isEqualTo("purchases");
    }

    @Test
    void post_compressed_isTheSameEvents() throws Exception {
        byte[] body = joined(List.of(Golden.PROTOTYPE.getBytes(UTF_8), "{\"event_type\":\"b\"}".getBytes(UTF_8)), true);
        byte[] members = Stream.of(gzip(Arrays.copyOf(body, 10)), gzip(Arrays.copyOfRange(body, 10, body.length)))
                .collect(ByteArrayOutputStream::new, ByteArrayOutputStream::writeBytes, (a, b) -> {})
                .toByteArray();
        Map<TopicPartition, Long> before = gateway.ends();
        for (Map.Entry<String, byte[]> sent : List.of(
                Map.entry("gzip", gzip(body)),
                Map.entry("GZIP", members),
                Map.entry("x-gzip", gzip(body)),
                Map.entry("deflate", deflate(body, false)),
                Map.entry("deflate", deflate(body, true)),
                Map.entry("zstd", Zstd.compress(body)),
                Map.entry("identity", body))) {
            HttpResponse<Buffer> response = encoded(sent.getKey(), sent.getValue());
            assertThat(response.statusCode()).as(sent.getKey()).isEqualTo(202);
        }
        assertThat(values(gateway.recordsSince(before)).stream().filter(Golden.PROTOTYPE::equals))
                .hasSize(7);
    }

    @Test
    void post_brokenEncoding_is400() throws Exception {
        byte[] gzip = gzip(Golden.PROTOTYPE.getBytes(UTF_8));
        byte[] zstd = Zstd.compress(Golden.PROTOTYPE.getBytes(UTF_8));
        byte[] flipped = gzip.clone();
        flipped[flipped.length - 5] ^= 1;
        for (Map.Entry<String, byte[]> sent : List.of(
                Map.entry("gzip", Golden.PROTOTYPE.getBytes(UTF_8)),
                Map.entry("gzip", new byte[0]),
                Map.entry("gzip", Arrays.copyOf(gzip, gzip.length - 9)),
                Map.entry("gzip", flipped),
                Map.entry("deflate", Golden.PROTOTYPE.getBytes(UTF_8)),
                Map.entry("zstd", Golden.PROTOTYPE.getBytes(UTF_8)),
                Map.entry("zstd", Arrays.copyOf(zstd, zstd.length - 3)))) {
            assertProblem(encoded(sent.getKey(), sent.getValue()), Rejection.INVALID_ENCODING);
        }
    }

    @Test
    void post_unknownEncoding_namesTheKnownOnes() throws Exception {
        HttpResponse<Buffer> response = encoded("br", new byte[] {1});
        assertProblem(response, Rejection.UNSUPPORTED_ENCODING);
        assertThat(response.getHeader("Accept-Encoding")).isEqualTo("gzip, deflate, zstd");
    }

    @Test
    void post_bomb_isRefusedForTheMemoryOfItsBound() throws Exception {
        byte[] gzip = bomb(GZIPOutputStream::new, 2L << 30);
        byte[] zstd = bomb(ZstdOutputStream::new, 10L << 30);
        assertThat(zstd.length).isLessThan(3_000_000);
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = allocated(threads);
        assertProblem(encoded("zstd", zstd), Rejection.INFLATED_TOO_LARGE);
        assertProblem(encoded("gzip", gzip), Rejection.INFLATED_TOO_LARGE);
        // the bodies themselves, some copies of them on the way in, and twice the bound
        assertThat(allocated(threads) - before).isLessThan(10L * (zstd.length + gzip.length) + 4 * 3_000_000L);
    }

    private static long allocated(com.sun.management.ThreadMXBean threads) {
        return Arrays.stream(threads.getThreadAllocatedBytes(threads.getAllThreadIds()))
                .filter(bytes -> bytes > 0)
                .sum();
    }

    private interface Compressor {
        OutputStream on(OutputStream out) throws IOException;
    }

    private static byte[] bomb(Compressor compressor, long bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] zeros = new byte[1 << 20];
        try (OutputStream compressed = compressor.on(out)) {
            for (long written = 0; written < bytes; written += zeros.length) {
                compressed.write(zeros);
            }
        }
        return out.toByteArray();
    }

    private static byte[] gzip(byte[] body) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(body);
        }
        return out.toByteArray();
    }

    private static byte[] deflate(byte[] body, boolean raw) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Deflater deflater = new Deflater(Deflater.DEFAULT_COMPRESSION, raw);
        try (OutputStream deflate = new DeflaterOutputStream(out, deflater)) {
            deflate.write(body);
        }
        deflater.end();
        return out.toByteArray();
    }

    private static HttpResponse<Buffer> encoded(String encoding, byte[] body) throws Exception {
        return get(gateway.events()
                .putHeader("Content-Type", LINES)
                .putHeader("Content-Encoding", encoding)
                .sendBuffer(Buffer.buffer(body)));
    }

    /** Some faults are not an item's: no bytes, a mark where the body starts, bytes that end a line. */
    private static boolean isAnItem(Golden.Invalid sample, boolean lines) {
        String text = new String(sample.bytes(), UTF_8);
        return !text.isBlank()
                && !(lines && text.contains("\n"))
                // in an array, a bracket or a quote that is left open takes its siblings along
                && (lines || !Set.of("broken", "one brace", "hash", "block").contains(sample.name()));
    }

    private static byte[] oneLine(byte[] bytes) {
        return new String(bytes, UTF_8).replace("\n", " ").replace("\r", " ").getBytes(UTF_8);
    }

    private static byte[] joined(List<byte[]> items, boolean lines) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes((lines ? "" : "[").getBytes(UTF_8));
        for (int i = 0; i < items.size(); i++) {
            out.writeBytes((i == 0 ? "" : lines ? "\n" : ",").getBytes(UTF_8));
            out.writeBytes(items.get(i));
        }
        out.writeBytes((lines ? "\n" : "]").getBytes(UTF_8));
        return out.toByteArray();
    }

    private static Map<Integer, Rejection> byIndex(List<Rejection> rejections) {
        return IntStream.range(0, rejections.size())
                .filter(i -> rejections.get(i) != null)
                .boxed()
                .collect(Collectors.toMap(i -> i, rejections::get));
    }

    private static Map<Integer, Rejection> rejected(HttpResponse<Buffer> response) throws IOException {
        List<JsonNode> items = new ArrayList<>();
        json(response).get("rejected").forEach(items::add);
        assertThat(items).isSortedAccordingTo(Comparator.comparingInt(item -> item.get("index")
                .asInt()));
        return items.stream()
                .collect(Collectors.toMap(
                        item -> item.get("index").asInt(),
                        item -> Rejection.valueOf(item.get("code").asText().toUpperCase(java.util.Locale.ROOT))));
    }

    private static List<String> values(List<ConsumerRecord<byte[], byte[]>> records) {
        return records.stream().map(record -> new String(record.value(), UTF_8)).toList();
    }
}
