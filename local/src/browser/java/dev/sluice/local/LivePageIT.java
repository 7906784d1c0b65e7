package dev.sluice.local;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.assertions.LocatorAssertions;
import dev.sluice.events.CountRecord;
import dev.sluice.events.Programs;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole system and a person before its page, who has read the banner and nothing else. */
class LivePageIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern PAGE = Pattern.compile("page +(http://\\S+)");
    private static final double A_MINUTE = 60_000;
    /** As the console has it. */
    private static final String NO_TYPE = "-";

    @TempDir
    Path folder;

    private RunLocal sluice;
    private Playwright playwright;
    private Page page;

    @BeforeEach
    void open() throws Exception {
        Programs.require("chromium", "curl");
        sluice = new RunLocal(folder);
        sluice.launch("log", Map.of());
        sluice.awaitBanner("log");
        Matcher address = PAGE.matcher(Processes.text(folder.resolve("log")));
        assertThat(address.find()).isTrue();
        playwright = Playwright.create(
                new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
        Browser browser = playwright
                .chromium()
                .launch(new BrowserType.LaunchOptions()
                        .setExecutablePath(Programs.path("chromium"))
                        .setArgs(List.of("--no-sandbox")));
        page = browser.newPage();
        page.navigate(address.group(1));
    }

    @AfterEach
    void close() throws IOException {
        if (playwright != null) {
            playwright.close();
        }
        if (sluice != null) {
            sluice.close();
        }
    }

    @Test
    void page_afterTheBanner_showsTheFirstCountWithinAMinute_andTheFiguresOfAllAgree() throws Exception {
        String curl = page.locator("#curl").textContent();
        Programs.run(folder, "sh", "-c", curl + " -sS --fail");
        assertThat(page.locator("#rows tr"))
                .containsText(
                        "user_clickcounted1", new LocatorAssertions.ContainsTextOptions().setTimeout(A_MINUTE));

        Map<String, Long> expected = send();
        long records = expected.values().stream().mapToLong(Long::longValue).sum();
        await().atMost(RunLocal.PATIENCE).until(() -> progress().path("records").asLong() == records);
        page.locator("#range").selectOption("0");
        await().atMost(RunLocal.PATIENCE).untilAsserted(() -> {
            assertThat(inThePage()).as("page").isEqualTo(expected);
            assertThat(inTheApi()).as("/api/counts").isEqualTo(expected);
            assertThat(inTheTopic()).as("event-counts").isEqualTo(expected);
            assertThat(inTheConsole()).as("console").isEqualTo(expected);
        });
        assertThat(page.locator("#ledger"))
                .containsText("has read " + records + " records", new LocatorAssertions.ContainsTextOptions()
                        .setTimeout(A_MINUTE));
        sluice.terminate();
    }

    /** Some of each outcome; what is counted by then, by type and outcome. */
    private Map<String, Long> send() throws Exception {
        Map<String, Long> sent = new HashMap<>(Map.of("user_click counted", 1L));
        long now = System.currentTimeMillis();
        for (int i = 0; i < 120; i++) {
            // of several windows, and none of them late
            event("page_view", now - i * 4_000L, "");
        }
        sent.put("page_view counted", 120L);
        event("page_view", now - Duration.ofDays(2).toMillis(), "");
        sent.put("page_view late", 1L);
        event("purchase", now + Duration.ofDays(365).toMillis(), "");
        sent.put("purchase future", 1L);
        for (int i = 0; i < 3; i++) {
            event("login", now, ",\"event_id\":\"of-a-retry\"");
        }
        sent.put("login counted", 1L);
        sent.put("login duplicate", 2L);
        try (KafkaProducer<byte[], byte[]> past = new KafkaProducer<>(
                Map.of("bootstrap.servers", "localhost:" + sluice.kafkaPort),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            past.send(new ProducerRecord<>("events", "no event".getBytes(UTF_8))).get();
        }
        sent.put(NO_TYPE + " malformed", 1L);
        return sent;
    }

    private void event(String type, long timestamp, String more) throws Exception {
        String event = "{\"event_type\":\"" + type + "\",\"timestamp\":" + timestamp + more + "}";
        assertThat(Processes.post(sluice.httpPort, event).statusCode()).isEqualTo(202);
    }

    private JsonNode progress() throws Exception {
        return JSON.readTree(Processes.get(sluice.managementPort, "/api/progress").body());
    }

    private Map<String, Long> inThePage() {
        Map<String, Long> shown = new HashMap<>();
        for (String row : page.locator("#rows tr").allInnerTexts()) {
            String[] cells = row.split("\t");
            shown.put(cells[0].replace("(malformed)", NO_TYPE) + " " + cells[1], Long.parseLong(cells[2].replace(",", "")));
        }
        return shown;
    }

    private Map<String, Long> inTheApi() throws Exception {
        Map<String, Long> sums = new HashMap<>();
        JSON.readTree(Processes.get(sluice.managementPort, "/api/counts").body()).forEach(row -> add(sums, row));
        return sums;
    }

    /** What each key says last. */
    private Map<String, Long> inTheTopic() throws Exception {
        Map<String, JsonNode> last = new HashMap<>();
        Map<String, Object> client = Map.of(
                "bootstrap.servers", "localhost:" + sluice.kafkaPort, "isolation.level", "read_committed");
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(client, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor("event-counts").stream()
                    .map(partition -> new TopicPartition(partition.topic(), partition.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(each -> consumer.position(each) < ends.get(each))) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                    last.put(new String(record.key(), UTF_8), JSON.readTree(record.value()));
                }
            }
        }
        last.remove(CountRecord.WATERMARK);
        last.remove(CountRecord.PROGRESS);
        Map<String, Long> sums = new HashMap<>();
        last.values().forEach(count -> add(sums, count));
        return sums;
    }

    /** Those of what is malformed have no type. */
    private static void add(Map<String, Long> sums, JsonNode count) {
        String type = count.hasNonNull(CountRecord.EVENT_TYPE)
                ? count.get(CountRecord.EVENT_TYPE).asText()
                : NO_TYPE;
        sums.merge(
                type + " " + count.get(CountRecord.OUTCOME).asText(),
                count.get(CountRecord.COUNT).asLong(),
                Long::sum);
    }

    private Map<String, Long> inTheConsole() throws IOException {
        return new Console(folder.resolve("log")).totals();
    }
}
