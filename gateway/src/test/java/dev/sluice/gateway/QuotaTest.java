package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.get;
import static dev.sluice.gateway.Fixture.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.Golden;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.client.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What a sender may send in a second. Quotas here are so small that none is there again while a test looks. */
@ExtendWith(EventLoopWatch.class)
class QuotaTest {
    @TempDir
    static Path folder;

    private static Path file;
    private static Fixture gateway;

    @BeforeAll
    static void start() throws Exception {
        file = folder.resolve("keys.json");
        NewApiKey.add(file, "first", List.of(), null, Quota.NONE);
        gateway = new Fixture(folder, Map.of("API_KEYS_FILE", file.toString(), "QUOTA_EVENTS", "50"));
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    /** The batch is taken as a whole, and waited for by the next. */
    @Test
    void post_beyondTheQuotaOfEvents_isRefusedUntilSomeIsLeft() throws Exception {
        String key = key("events", Quota.of(1, 0));
        HttpResponse<Buffer> taken = post(key, batch(60));
        assertThat(taken.statusCode()).isEqualTo(202);
        assertThat(taken.getHeader("RateLimit-Policy")).isEqualTo("\"events\";q=1;w=1");
        assertThat(taken.getHeader("RateLimit")).matches("\"events\";r=0;t=(59|60)");
        HttpResponse<Buffer> refused = post(key, Golden.PROTOTYPE);
        Fixture.assertProblem(refused, dev.sluice.events.Rejection.QUOTA_EXCEEDED);
        assertThat(json(refused).get("detail").asText())
                .startsWith("The quota is 1 events a second; there is none left for ");
        assertThat(Integer.parseInt(refused.getHeader("Retry-After"))).isBetween(1, 60);
        assertThat(gateway.metric("sluice_sender_requests_total{outcome=\"quota_exceeded\",sender=\"events\"}"))
                .isEqualTo(1);
        assertThat(gateway.metric("sluice_sender_events_total{sender=\"events\"}"))
                .isEqualTo(60);
    }

    @Test
    void post_beyondTheQuotaOfBytes_isRefused_inflatedAsItIs() throws Exception {
        String key = key("bytes", Quota.of(0, 10));
        HttpResponse<Buffer> taken = post(key, batch(60));
        assertThat(taken.statusCode()).isEqualTo(202);
        assertThat(taken.getHeader("RateLimit-Policy")).isEqualTo("\"bytes\";q=10;w=1;qu=\"content-bytes\"");
        assertThat(post(key, Golden.PROTOTYPE).statusCode()).isEqualTo(429);
    }

    @Test
    void post_withoutAQuotaOfItsOwn_hasThatOfAll() throws Exception {
        String key = key("other", Quota.NONE);
        assertThat(post(key, batch(100)).getHeader("RateLimit-Policy")).isEqualTo("\"events\";q=50;w=1");
        assertThat(post(key, Golden.PROTOTYPE).statusCode()).isEqualTo(429);
        await().atMost(Duration.ofSeconds(30))
                .until(() -> post(key, Golden.PROTOTYPE).statusCode() == 202);
    }

    /** The body is never sent. */
    @Test
    void post_beyondTheQuota_isRefusedBeforeItsBodyIsRead() throws Exception {
        String key = key("unread", Quota.of(1, 0));
        post(key, batch(60));
        try (RawHttp raw = new RawHttp(gateway.settings.httpPort())) {
            raw.send("POST /api/events HTTP/1.1\r\nHost: x\r\nX-API-Key: " + key + "\r\nContent-Length: 1000\r\n\r\n");
            assertThat(raw.response()).startsWith("HTTP/1.1 429");
        }
    }

    /** Another key comes to the file; what was used before is used still. */
    @Test
    void file_changed_givesNothingBack() throws Exception {
        String key = key("spent", Quota.of(1, 0));
        post(key, batch(60));
        String other = key("newcomer", Quota.of(1_000, 0));
        assertThat(post(other, Golden.PROTOTYPE).statusCode()).isEqualTo(202);
        assertThat(post(key, Golden.PROTOTYPE).statusCode()).isEqualTo(429);
    }

    /** One sends as fast as it can, over many connections; the other is taken every time. */
    @Test
    void noisySender_isRefused_andAQuietOneIsNot() throws Exception {
        String noisy = key("noisy", Quota.of(10, 0));
        String quiet = key("quiet", Quota.of(1_000, 0));
        int refused = 0;
        for (int round = 0; round < 20; round++) {
            List<Future<HttpResponse<Buffer>>> sent = new ArrayList<>();
            for (int i = 0; i < 48; i++) {
                sent.add(send(noisy, batch(100)));
            }
            assertThat(post(quiet, Golden.PROTOTYPE).statusCode()).isEqualTo(202);
            for (Future<HttpResponse<Buffer>> each : sent) {
                int status = get(each).statusCode();
                assertThat(status).isIn(202, 429);
                refused += status == 429 ? 1 : 0;
            }
        }
        assertThat(refused).isGreaterThan(20 * 48 / 2);
    }

    /** However it is used, what is left says whether the next one is taken. */
    @Property(tries = 200)
    void quota_isUsedUp_whenMoreIsUsedThanThereIs(
            @ForAll @LongRange(min = 1, max = 1_000) long limit,
            @ForAll @Size(max = 20) List<@LongRange(min = 0, max = 100) Long> uses) {
        Quota quota = Quota.of(limit, 0);
        long left = limit;
        for (long use : uses) {
            quota.use(use, 1_000_000);
            left -= use;
        }
        // a thousand a second at most come back: none of that much debt within the test
        if (left > 0) {
            assertThatCode(quota::check).doesNotThrowAnyException();
        } else if (left < -limit * 30) {
            assertThatCode(quota::check).isInstanceOf(RefusedException.class);
        }
    }

    /** A key that the gateway knows by now. */
    private static String key(String name, Quota quota) throws Exception {
        String key = NewApiKey.add(file, name, List.of(), null, quota);
        // refused before anything is used of the quota
        await().atMost(Duration.ofSeconds(30))
                .until(() -> get(gateway.events()
                                        .putHeader("X-API-Key", key)
                                        .putHeader("Content-Type", "text/html")
                                        .sendBuffer(Buffer.buffer("x")))
                                .statusCode()
                        == 415);
        return key;
    }

    private static String batch(int events) {
        return "[" + String.join(",", java.util.Collections.nCopies(events, Golden.PROTOTYPE)) + "]";
    }

    private static HttpResponse<Buffer> post(String key, String body) throws Exception {
        return get(send(key, body));
    }

    private static Future<HttpResponse<Buffer>> send(String key, String body) {
        return gateway.events().putHeader("X-API-Key", key).sendBuffer(Buffer.buffer(body));
    }
}
