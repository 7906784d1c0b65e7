package dev.sluice.local;

import static io.gatling.javaapi.core.CoreDsl.StringBody;
import static io.gatling.javaapi.core.CoreDsl.constantUsersPerSec;
import static io.gatling.javaapi.core.CoreDsl.global;
import static io.gatling.javaapi.core.CoreDsl.scenario;
import static io.gatling.javaapi.http.HttpDsl.http;
import static io.gatling.javaapi.http.HttpDsl.status;

import io.gatling.javaapi.core.ScenarioBuilder;
import io.gatling.javaapi.core.Simulation;
import io.gatling.javaapi.http.HttpProtocolBuilder;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Single events at a set rate, whatever the gateway makes of it: an open model, so that a slow answer delays no other
 * request. Fails when one event was not taken, or when the rate was not reached.
 */
public final class LoadTest extends Simulation {
    private static final String TARGET = setting("TARGET", "http://localhost:5000");
    private static final int RATE = Integer.parseInt(setting("RATE", "1000"));
    private static final int SECONDS = Integer.parseInt(setting("DURATION", "30"));
    private static final double LEAST_SHARE_OF_RATE = 0.95;
    private static final int TYPES = 5;

    /** Assembles the simulation, as Gatling asks for it. */
    public LoadTest() {
        HttpProtocolBuilder gateway = http.baseUrl(TARGET)
                .contentTypeHeader("application/json")
                .userAgentHeader("sluice-load-test")
                .shareConnections();
        ScenarioBuilder single = scenario("single event")
                .exec(http("POST /api/events")
                        .post("/api/events")
                        .body(StringBody(session -> event()))
                        .check(status().is(202)));
        setUp(single.injectOpen(constantUsersPerSec(RATE).during(Duration.ofSeconds(SECONDS))))
                .protocols(gateway)
                .assertions(
                        global().failedRequests().count().is(0L),
                        global().requestsPerSec().gte(RATE * LEAST_SHARE_OF_RATE * SECONDS / (SECONDS + 1)));
    }

    private static String event() {
        return "{\"event_type\":\"load_test_" + ThreadLocalRandom.current().nextInt(TYPES) + "\",\"timestamp\":"
                + System.currentTimeMillis() + ",\"params\":{\"key\":\"value\",\"n\":"
                + ThreadLocalRandom.current().nextInt(1_000_000) + "}}";
    }

    private static String setting(String name, String fallback) {
        String value = System.getenv(name);
        return value == null || value.isBlank() ? fallback : value.strip();
    }
}
