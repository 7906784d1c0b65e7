package dev.sluice.gateway;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static dev.sluice.gateway.Fixture.get;
import static org.assertj.core.api.Assertions.assertThat;

import com.deque.html.axecore.playwright.AxeBuilder;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.assertions.LocatorAssertions;
import com.microsoft.playwright.options.ColorScheme;
import dev.sluice.events.CountRecord;
import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The live page in a real browser, from an empty system on. */
@ExtendWith(EventLoopWatch.class)
@TestMethodOrder(OrderAnnotation.class)
class PageTest {
    private static final Path PICTURES = Path.of("target/page");
    private static final double A_WHILE = 30_000;
    private static final double AT_ONCE = 3_000;

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
    void page_inAnyLook_hasNoFindings() {
        for (ColorScheme scheme : List.of(ColorScheme.LIGHT, ColorScheme.DARK)) {
            for (int width : new int[] {1_200, 390}) {
                context.close();
                open(new Browser.NewContextOptions().setColorScheme(scheme).setViewportSize(width, 900));
                assertThat(page.locator("#rows tr").first()).isVisible();
                page.screenshot(new Page.ScreenshotOptions()
                        .setFullPage(true)
                        .setPath(PICTURES.resolve(scheme.name().toLowerCase(java.util.Locale.ROOT)
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
    @Order(4)
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
        Instant start = Instant.now().truncatedTo(ChronoUnit.MINUTES).minus(Duration.ofMinutes(minutesAgo));
        String end = start.plusSeconds(60).toString();
        producer.send(new ProducerRecord<>(
                "event-counts",
                CountRecord.key(start.toString(), end, outcome, type),
                "{\"window_start\":\"" + start + "\",\"window_end\":\"" + end + "\""
                        + (type.isEmpty() ? "" : ",\"event_type\":\"" + type + "\"") + ",\"outcome\":\"" + outcome
                        + "\",\"count\":" + count + ",\"batch\":1}"));
    }
}
