package dev.sluice.local;

import static dev.sluice.local.Victims.PATIENCE;
import static dev.sluice.local.Victims.awaitMore;
import static dev.sluice.local.Victims.awaitRefusals;
import static dev.sluice.local.Victims.progress;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.RealBroker;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A broker that is too slow, and one whose disk is full, each with large events that are not compressed: sockets and files
 * fill up soon.
 */
class BrokerTroubleIT {
    private static final int SECONDS = Math.max(5, Integer.getInteger("fault.stuck.seconds", 0));
    private static final int STEADY_SECONDS = 3;
    private static final int EVENT_BYTES = 4_000;
    private static final double SLOWER = 3;

    @TempDir
    Path folder;

    private final int port = RealBroker.freePort();

    /**
     * Through a proxy that lets a third of the load's bytes through. The requests that are under way at once hold more than
     * all sockets and buffers on the way.
     */
    @Test
    void brokerThreeTimesAsSlowAsTheLoad() throws Exception {
        int proxyPort = RealBroker.freePort();
        int brokerPort = RealBroker.freePort();
        Process proxy = Processes.java(
                Report.log("brokerThreeTimesAsSlowAsTheLoad-proxy"),
                Map.of(),
                "-Xmx32m",
                "-XX:+UseSerialGC",
                "-cp",
                Processes.artifact("local/target/test-classes"),
                SlowProxy.class.getName(),
                Integer.toString(proxyPort),
                Integer.toString(brokerPort),
                "0");
        try (Victims victims =
                new Victims("brokerThreeTimesAsSlowAsTheLoad", folder, List.of(), behindProxy(proxyPort, brokerPort))) {
            Process gateway = victims.gateway(
                    port,
                    Map.of(
                            "KAFKA_BOOTSTRAP_SERVERS", "localhost:" + proxyPort,
                            "MAX_BODY_BYTES", "65536",
                            "MAX_INFLATED_BYTES", "65536",
                            "MAX_IN_FLIGHT_BYTES", "1048576",
                            "KAFKA_PRODUCER_COMPRESSION_TYPE", "none"),
                    "");
            try (Ledger ledger = new Ledger(List.of(port), 128, EVENT_BYTES)) {
                awaitMore(ledger);
                double load = acknowledgedPerSecond(ledger, STEADY_SECONDS);
                ledger.pace(load);
                int sent = ledger.sent();
                long since = System.nanoTime();
                limit(proxy, (long) (load * EVENT_BYTES / SLOWER));
                double taken = acknowledgedPerSecond(ledger, SECONDS);
                double offered = (ledger.sent() - sent) / secondsSince(since);
                assertThat(victims.get(port, "/health/live")).isEqualTo(200);
                assertThat(victims.get(port, "/health/ready")).isEqualTo(200);
                limit(proxy, 0);
                awaitMore(ledger);
                Ledger.Account account = victims.settle("broker three times as slow as the load", 1, ledger);
                Report.remark(String.format(
                        Locale.ROOT,
                        "Broker three times as slow as the load: the gateway took %.0f events/s before, and then %.0f of the"
                                + " %.0f that it was sent.",
                        load,
                        taken,
                        offered));
                assertThat(taken).isPositive().isLessThan(load / 2);
                assertThat(account.refused()).isPositive();
                assertThat(account.unanswered()).isZero();
                assertThat(account.storedTwice()).isZero();
            }
            assertThat(victims.metric(port, "sluice_requests_total{outcome=\"overloaded\"}"))
                    .isPositive();
            assertThat(gateway.isAlive()).isTrue();
            victims.assertBalance(port);
        } finally {
            proxy.destroyForcibly().onExit().join();
        }
    }

    /**
     * A limit of a file's size stands in for it: a write fails, and the broker, who has no other disk, ends itself. The limit
     * is above the ten MiB that the broker's index files have from the start.
     */
    @Test
    void diskOfTheBrokerFull() throws Exception {
        List<String> limited = List.of("bash", "-c", "ulimit -f 12288; exec \"$@\"", "bash");
        try (Victims victims = new Victims("diskOfTheBrokerFull", folder, limited, Map.of())) {
            Process gateway = victims.gateway(port, Map.of("KAFKA_PRODUCER_COMPRESSION_TYPE", "none"), "");
            try (Ledger ledger = new Ledger(List.of(port), 32, EVENT_BYTES)) {
                awaitMore(ledger);
                await().atMost(PATIENCE).until(() -> victims.get(port, "/health/ready") == 503);
                awaitRefusals(ledger);
                assertThat(victims.get(port, "/health/live")).isEqualTo(200);
                progress("disk of the broker full", 1, 1, ledger);
                victims.restartBrokerUnlimited();
                long back = System.nanoTime();
                await().atMost(PATIENCE).until(() -> victims.get(port, "/health/ready") == 200);
                awaitMore(ledger);
                double backAfter = secondsSince(back);
                Ledger.Account account = victims.settle("disk of the broker full", 1, ledger);
                Report.remark(String.format(
                        Locale.ROOT, "Disk of the broker full: events were taken again %.1f s after.", backAfter));
                assertThat(backAfter).isLessThan(15);
                assertThat(account.unanswered()).isZero();
                assertThat(account.storedTwice()).isZero();
            }
            assertThat(victims.metric(port, "sluice_requests_total{outcome=\"kafka_unavailable\"}"))
                    .isPositive();
            assertThat(gateway.isAlive()).isTrue();
            victims.assertBalance(port);
        }
    }

    /** Whoever comes in by the proxy is told to come by the proxy; the ledger reads beside it. */
    private static Map<String, String> behindProxy(int proxyPort, int brokerPort) {
        String controller = ",CONTROLLER://localhost:${controller.port}";
        return Map.of(
                "listeners", "PLAINTEXT://localhost:${port},SLOW://localhost:" + brokerPort + controller,
                "advertised.listeners", "PLAINTEXT://localhost:${port},SLOW://localhost:" + proxyPort,
                "listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,SLOW:PLAINTEXT,CONTROLLER:PLAINTEXT");
    }

    private static void limit(Process proxy, long bytesPerSecond) throws Exception {
        proxy.getOutputStream().write((bytesPerSecond + "\n").getBytes(StandardCharsets.US_ASCII));
        proxy.getOutputStream().flush();
    }

    private static double acknowledgedPerSecond(Ledger ledger, int seconds) {
        int before = ledger.acknowledged();
        long start = System.nanoTime();
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(10)).until(() -> secondsSince(start) >= seconds);
        return (ledger.acknowledged() - before) / secondsSince(start);
    }

    private static double secondsSince(long nanos) {
        return (System.nanoTime() - nanos) / (double) TimeUnit.SECONDS.toNanos(1);
    }
}
