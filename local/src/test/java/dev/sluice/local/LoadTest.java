package dev.sluice.local;

import static io.gatling.javaapi.core.CoreDsl.StringBody;
import static io.gatling.javaapi.core.CoreDsl.constantUsersPerSec;
import static io.gatling.javaapi.core.CoreDsl.global;
import static io.gatling.javaapi.core.CoreDsl.jsonPath;
import static io.gatling.javaapi.core.CoreDsl.scenario;
import static io.gatling.javaapi.http.HttpDsl.http;
import static io.gatling.javaapi.http.HttpDsl.status;

import io.gatling.javaapi.core.ScenarioBuilder;
import io.gatling.javaapi.core.Simulation;
import io.gatling.javaapi.http.HttpProtocolBuilder;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Requests at a set rate, whatever the gateway makes of it: an open model, so that a slow answer delays no other
 * request. Fails when one event was not taken, or when the rate was not reached.
 */
public final class LoadTest extends Simulation {
    private static final String TARGET = setting("TARGET", "http://localhost:5000");
    private static final int RATE = Integer.parseInt(setting("RATE", "1000"));
    private static final int SECONDS = Integer.parseInt(setting("DURATION", "30"));
    private static final int BATCH = Integer.parseInt(setting("BATCH", "100"));
    private static final double LEAST_SHARE_OF_RATE = 0.95;
    private static final int TYPES = 5;

    /** What one request holds. */
    private enum Scenario {
        SINGLE("application/json", 1, LoadTest::event),
        BATCH("application/json", LoadTest.BATCH, () -> batch(LoadTest::event, "[", ",", "]")),
        NDJSON("application/x-ndjson", LoadTest.BATCH, () -> batch(LoadTest::event, "", "\n", "\n")),
        CLOUDEVENTS(
                "application/cloudevents-batch+json", LoadTest.BATCH, () -> batch(LoadTest::cloudEvent, "[", ",", "]"));

        private final String mediaType;
        private final int events;
        private final Supplier<String> body;

        Scenario(String mediaType, int events, Supplier<String> body) {
            this.mediaType = mediaType;
            this.events = events;
            this.body = body;
        }
    }

    /** Assembles the simulation, as Gatling asks for it. */
    public LoadTest() {
        Scenario scenario = Scenario.valueOf(setting("SCENARIO", "single").toUpperCase(java.util.Locale.ROOT));
        int requests = Math.max(1, RATE / scenario.events);
        HttpProtocolBuilder gateway = http.baseUrl(TARGET)
                .contentTypeHeader(scenario.mediaType)
                .userAgentHeader("sluice-load-test")
                .shareConnections();
        ScenarioBuilder sending = scenario(scenario.name().toLowerCase(java.util.Locale.ROOT))
                .exec(http("POST /api/events")
                        .post("/api/events")
                        .body(StringBody(session -> scenario.body.get()))
                        .check(status().is(202), jsonPath("$.accepted").ofInt().is(scenario.events)));
        setUp(sending.injectOpen(constantUsersPerSec(requests).during(Duration.ofSeconds(SECONDS))))
                .protocols(gateway)
                .assertions(
                        global().failedRequests().count().is(0L),
                        global().requestsPerSec().gte(requests * LEAST_SHARE_OF_RATE * SECONDS / (SECONDS + 1)));
    }

    private static String event() {
        return "{\"event_type\":\"" + type() + "\",\"timestamp\":" + System.currentTimeMillis() + ",\"params\":"
                + params() + "}";
    }

    private static String cloudEvent() {
        return "{\"specversion\":\"1.0\",\"id\":\"" + UUID.randomUUID() + "\",\"source\":\"/load-test\",\"type\":\""
                + type() + "\",\"time\":\"" + Instant.now() + "\",\"data\":" + params() + "}";
    }

    private static String type() {
        return "load_test_" + ThreadLocalRandom.current().nextInt(TYPES);
    }

    private static String params() {
        return "{\"key\":\"value\",\"n\":" + ThreadLocalRandom.current().nextInt(1_000_000) + "}";
    }

    private static String batch(Supplier<String> item, String open, String between, String close) {
        return Stream.generate(item).limit(BATCH).collect(Collectors.joining(between, open, close));
    }

    private static String setting(String name, String fallback) {
        String value = System.getenv(name);
        return value == null || value.isBlank() ? fallback : value.strip();
    }
}
