package dev.sluice.gateway;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static dev.sluice.gateway.Fixture.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.deque.html.axecore.playwright.AxeBuilder;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.assertions.LocatorAssertions;
import com.microsoft.playwright.options.BoundingBox;
import com.microsoft.playwright.options.ColorScheme;
import dev.sluice.events.CountRecord;
import dev.sluice.events.Programs;
import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The live page in a real browser, from an empty system on. */
@TestMethodOrder(OrderAnnotation.class)
class PageTest {
    /** A browser that draws wants all cores, and a thread waits for its turn. */
    @RegisterExtension
    static final EventLoopWatch WATCH = new EventLoopWatch(300);

    private static final Path PICTURES = Path.of("target/page");
    private static final double A_WHILE = 30_000;
    private static final double AT_ONCE = 3_000;
    private static final Instant NOW = Instant.now().truncatedTo(ChronoUnit.MINUTES);
    private static final int DAY = 24 * 60;
    private static final int TYPES = 200;
    private static final int SECONDS = 10;

    /** Thirty pictures a second. */
    private static final double FRAME_MILLIS = 1_000.0 / 30;

    @TempDir
    static Path folder;

    private static RealBroker broker;
    private static Settings settings;
    private static Gateway gateway;
    private static KafkaProducer<String, String> producer;
    private static Playwright playwright;
    private static Browser browser;

    private final List<String> errors = new ArrayList<>();
    private BrowserContext context;
    private Page page;

    @BeforeAll
    static void start() throws Exception {
        Programs.require("chromium");
        broker = RealBroker.start(folder);
        RealTopics.create(broker, 1, "events", "event-counts");
        settings = Fixture.settings(broker.port(), Map.of());
        gateway = new Gateway(Fixture.vertx(), settings);
        get(gateway.start());
        producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.bootstrapServers()), new StringSerializer(), new StringSerializer());
        playwright = Playwright.create(
                new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
        browser = playwright
                .chromium()
                .launch(new BrowserType.LaunchOptions()
                        .setExecutablePath(Programs.path("chromium"))
                        .setArgs(List.of("--no-sandbox")));
    }

    @AfterAll
    static void stop() throws Exception {
        if (playwright == null) {
            return;
        }
        playwright.close();
        producer.close();
        get(gateway.stop());
        broker.close();
    }

    @BeforeEach
    void open() {
        open(new Browser.NewContextOptions());
    }

    @AfterEach
    void close() {
        context.close();
    }

    @Test
    @Order(1)
    void page_ofAnEmptySystem_showsHowToSend_thenTheFirstCount() {
        assertThat(page.locator("#curl"))
                .hasText(
                        "curl -XPOST -d '{\"event_type\":\"user_click\",\"params\":{\"key\":\"value\"}}' http://localhost:"
                                + settings.httpPort() + "/api/events");
        assertThat(page.locator("#state")).hasText("Live", within(A_WHILE));
        send("user_click", "counted", 3, 0);
        assertThat(page.locator("#rows tr")).containsText("user_clickcounted3", contains(AT_ONCE));
        send("user_click", "counted", 4, 0);
        assertThat(page.locator("#rows tr")).containsText("user_clickcounted4", contains(AT_ONCE));
        assertThat(page.locator("#chart-text")).containsText("4 events in 1 windows", contains(AT_ONCE));
        assertThat(page.locator("#chart canvas")).isVisible();
        assertThat(page.locator("#empty")).isHidden();
        assertThat(errors).isEmpty();
    }

    @Test
    @Order(2)
    void page_ofSomeTypes_isSortedAndSearched() {
        for (int minute = 0; minute < 30; minute++) {
            send("user_click", "counted", 40 + minute % 7 * 5, minute);
            send("purchase", "counted", 20 + minute % 5 * 4, minute);
            send("page_view", "counted", 90 + minute % 11 * 6, minute);
            send("login", "late", minute % 3, minute);
        }
        send("", "malformed", 2, 1);
        Locator rows = page.locator("#rows tr");
        assertThat(rows).hasCount(5, new LocatorAssertions.HasCountOptions().setTimeout(A_WHILE));
        assertThat(rows.first()).containsText("page_view");
        page.locator("th button[data-column=type]").click();
        assertThat(rows.first()).containsText("(malformed)");
        assertThat(page.locator("th").first()).hasAttribute("aria-sort", "ascending");
        page.locator("#search").fill("LOG");
        assertThat(rows).hasCount(1);
        assertThat(rows.first()).containsText("loginlate");
        page.locator("#search").fill("");
        page.locator("#by").selectOption("outcome");
        assertThat(page.locator("#legend")).containsText("malformed");
        page.locator("#pause").click();
        send("while_paused", "counted", 1, 0);
        send("while_paused", "counted", 2, 0);
        assertThat(page.locator("#pause")).hasText("Go on");
        assertThat(rows).hasCount(5);
        page.locator("#pause").click();
        assertThat(rows).hasCount(6);
        assertThat(errors).isEmpty();
    }

    @Test
    @Order(3)
    void page_ofAStreamingThatSpeaks_saysHowFarItIs() {
        progress(Instant.now(), 19, 15);
        assertThat(page.locator("#streaming")).hasText("counts, the last batch in 0.4 s", within(A_WHILE));
        assertThat(page.locator("#lag")).hasText("7 records");
        assertThat(page.locator("#fresh")).containsText("s ago");
        assertThat(page.locator("#ledger"))
                .hasText("Streaming has read 19 records since it began: 15 counted, 1 late, 0 future, 1 malformed,"
                        + " 2 duplicate. Each has an outcome.");
        assertThat(page.locator("#ready")).hasText("takes events", within(A_WHILE));
        assertThat(page.locator("#flight")).hasText("0 of 24,576 KiB");
        progress(Instant.now().plusSeconds(10), 119, 114);
        assertThat(page.locator("#ledger")).containsText("; 1 have no outcome!", contains(A_WHILE));
        assertThat(page.locator("#counted")).containsText("/s");
        progress(Instant.now().minusSeconds(60), 119, 115);
        assertThat(page.locator("#streaming")).containsText("silent for 6", contains(A_WHILE));
        assertThat(errors).isEmpty();
    }

    @Test
    @Order(4)
    void page_ofATimeThatIsChosen_showsThatAlone() {
        Locator text = page.locator("#chart-text");
        assertThat(text).containsText("events in 30 windows", contains(A_WHILE));
        // a minute apart, and of the last quarter of an hour as many
        page.locator("#range").selectOption("900");
        assertThat(text).containsText(Pattern.compile("events in 1[3-6] windows"), contains(A_WHILE));
        String until = LocalDateTime.now()
                .truncatedTo(ChronoUnit.MINUTES)
                .minusMinutes(20)
                .format(DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm"));
        page.locator("#until").fill(until);
        page.locator("#until").blur();
        assertThat(text).containsText(Pattern.compile("events in ([789]|10) windows"), contains(A_WHILE));
        page.locator("#until").fill("");
        page.locator("#until").blur();
        assertThat(text).containsText(Pattern.compile("events in 1[3-6] windows"), contains(A_WHILE));
        BoundingBox chart = page.locator("#chart .u-over").boundingBox();
        page.mouse().move(chart.x + chart.width / 4, chart.y + chart.height / 2);
        page.mouse().down();
        page.mouse().move(chart.x + chart.width / 2, chart.y + chart.height / 2);
        page.mouse().up();
        assertThat(text).containsText(Pattern.compile("events in [345] windows"), contains(A_WHILE));
        page.locator("#all").click();
        assertThat(text).containsText(Pattern.compile("events in 1[3-6] windows"), contains(A_WHILE));
        assertThat(errors).isEmpty();
    }

    @Test
    @Order(5)
    void page_inAnyLook_hasNoFindings() {
        progress(Instant.now(), 4_019, 4_015);
        for (ColorScheme scheme : List.of(ColorScheme.LIGHT, ColorScheme.DARK)) {
            for (int width : new int[] {1_200, 390}) {
                context.close();
                open(new Browser.NewContextOptions().setColorScheme(scheme).setViewportSize(width, 900));
                assertThat(page.locator("#rows tr").first()).isVisible();
                assertThat(page.locator("#streaming")).containsText("counts", contains(A_WHILE));
                page.screenshot(new Page.ScreenshotOptions()
                        .setFullPage(true)
                        .setPath(PICTURES.resolve(scheme.name().toLowerCase(Locale.ROOT)
                                + (width < 500 ? "-phone" : "") + ".png")));
                assertThat(new AxeBuilder(page).analyze().getViolations()).isEmpty();
                assertThat((boolean) page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
                        .as("as wide as the window")
                        .isTrue();
            }
        }
        assertThat(errors).isEmpty();
    }

    @Test
    @Order(6)
    void page_gatewayRestarted_saysSoAndComesBack() throws Exception {
        assertThat(page.locator("#state")).hasText("Live", within(A_WHILE));
        get(gateway.stop());
        assertThat(page.locator("#state")).containsText("Disconnected", contains(A_WHILE));
        gateway = new Gateway(Fixture.vertx(), settings);
        get(gateway.start());
        assertThat(page.locator("#state")).hasText("Live", within(A_WHILE));
        send("after_restart", "counted", 1, 0);
        assertThat(page.locator("#rows")).containsText("after_restart", contains(AT_ONCE));
    }

    /** A day of 200 types in windows of a minute: pictures come as they should while all of the newest windows change. */
    @Test
    @Order(7)
    void page_ofADayOfManyTypes_staysSmooth() throws Exception {
        // the picture is that of the day, and not of its coming
        page.navigate("about:blank");
        for (int minute = 0; minute < DAY; minute++) {
            for (int type = 0; type < TYPES; type++) {
                send("type_" + type, "counted", 1 + type, minute);
            }
            // or all of them wait in memory
            producer.flush();
        }
        Instant oldest = NOW.minus(Duration.ofMinutes(DAY - 2));
        await().atMost(Duration.ofMinutes(1))
                .until(() -> page.request()
                        .get("http://localhost:" + settings.managementPort() + "/api/counts?format=csv&to=" + oldest)
                        .text()
                        .contains(",type_" + (TYPES - 1) + ","));
        page.navigate("http://localhost:" + settings.managementPort() + "/");
        page.locator("#range").selectOption("86400");
        // the oldest go while the test runs
        assertThat(page.locator("#chart-text")).containsText(Pattern.compile("events in 1,4[34]\\d windows"), contains(A_WHILE));
        page.evaluate("""
                () => {
                  window.frames_ = [];
                  let last = performance.now();
                  const frame = now => {
                    window.frames_.push(now - last);
                    last = now;
                    requestAnimationFrame(frame);
                  };
                  requestAnimationFrame(frame);
                }""");
        for (int second = 1; second <= SECONDS; second++) {
            for (int type = 0; type < TYPES; type++) {
                send("type_" + type, "counted", 1_000L * second + type, 0);
            }
            producer.flush();
            send("tick", "counted", second, 0);
            assertThat(page.locator("#rows")).containsText("tickcounted" + second, contains(AT_ONCE));
        }
        @SuppressWarnings("unchecked")
        List<Number> frames = (List<Number>) page.evaluate("window.frames_");
        double[] millis = frames.stream().mapToDouble(Number::doubleValue).sorted().toArray();
        String found = String.format(
                Locale.ROOT,
                "%d frames, ms: median %.1f, 95th percentile %.1f, longest %.1f%n",
                millis.length,
                millis[millis.length / 2],
                millis[millis.length * 95 / 100],
                millis[millis.length - 1]);
        Files.writeString(PICTURES.resolve("frames.txt"), found);
        System.out.print(found);
        assertThat(millis[millis.length / 2]).as("ms of half of the frames: " + found).isLessThan(FRAME_MILLIS);
        assertThat(errors).isEmpty();
    }

    private static void progress(Instant at, long records, long counted) {
        producer.send(new ProducerRecord<>(
                "event-counts",
                CountRecord.PROGRESS,
                "{\"at\":\"" + at + "\",\"batch\":7,\"batch_millis\":412,\"window_millis\":60000,\"slide_millis\":60000,"
                        + "\"complete_until\":\"" + at.minusSeconds(1) + "\",\"lag_records\":7,\"records\":" + records
                        + ",\"outcomes\":{\"counted\":" + counted
                        + ",\"late\":1,\"future\":0,\"malformed\":1,\"duplicate\":2}}"));
    }

    private void open(Browser.NewContextOptions options) {
        context = browser.newContext(options);
        page = context.newPage();
        page.onConsoleMessage(message -> {
            // an empty system answers 503, which a browser notes down
            if (message.type().equals("error") && !message.text().contains("503")) {
                errors.add(message.text());
            }
        });
        page.onPageError(errors::add);
        page.onRequest(request -> {
            if (!request.url().startsWith("http://localhost:" + settings.managementPort())
                    && !request.url().startsWith("data:")) {
                errors.add("asked another host: " + request.url());
            }
        });
        page.navigate("http://localhost:" + settings.managementPort() + "/");
    }

    private static LocatorAssertions.HasTextOptions within(double millis) {
        return new LocatorAssertions.HasTextOptions().setTimeout(millis);
    }

    private static LocatorAssertions.ContainsTextOptions contains(double millis) {
        return new LocatorAssertions.ContainsTextOptions().setTimeout(millis);
    }

    private static void send(String type, String outcome, long count, int minutesAgo) {
        Instant start = NOW.minus(Duration.ofMinutes(minutesAgo));
        String end = start.plusSeconds(60).toString();
        producer.send(new ProducerRecord<>(
                "event-counts",
                CountRecord.key(start.toString(), end, outcome, type),
                "{\"window_start\":\"" + start + "\",\"window_end\":\"" + end + "\""
                        + (type.isEmpty() ? "" : ",\"event_type\":\"" + type + "\"") + ",\"outcome\":\"" + outcome
                        + "\",\"count\":" + count + ",\"batch\":1}"));
    }
}
