package dev.sluice.local;

import static dev.sluice.local.Victims.PATIENCE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.RealBroker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

/**
 * A broker that is stuck for a long time under load; for longer than Kafka's client waits before it gives a record up,
 * which is what the requests that it was sent wait for. {@code make test} looks at what becomes of the events, in seconds;
 * {@code make fault-test} takes minutes, and measures the gateway as well.
 */
class OutageIT {
    private static final int SECONDS = Integer.getInteger("outage.seconds", 15);
    private static final int SPOOLED_SECONDS = Integer.getInteger("outage.spooled.seconds", 15);
    private static final boolean MEASURED = Boolean.getBoolean("outage.measured");
    private static final int STEADY_SECONDS = MEASURED ? 60 : 5;
    private static final int CONNECTIONS = 32;
    private static final int RATE = 2_000;
    /** Events that the gateway has on their way from the spool to Kafka at most. */
    private static final int REPLAY_WINDOW = 1_000;

    /** Of what it took in the median second before: the best of them is the machine's luck. */
    private static final double ALMOST = 0.9;

    @TempDir
    Path folder;

    private final int port = RealBroker.freePort();
    private Victims victims;

    @BeforeEach
    void start(TestInfo test) throws Exception {
        victims = new Victims(test.getTestMethod().orElseThrow().getName(), folder, List.of(), Map.of());
    }

    @AfterEach
    void stop() {
        victims.close();
    }

    @Test
    void twiceTheLoadThatFits() throws Exception {
        Process gateway = victims.gateway(port);
        try (Ledger ledger = new Ledger(List.of(port), CONNECTIONS)) {
            long steady = 0;
            List<Double> seconds = new ArrayList<>();
            for (int second = 0; second < STEADY_SECONDS; second++) {
                seconds.add(awaitSecondOf(ledger));
                steady = Math.max(steady, Victims.residentBytes(gateway));
            }
            Collections.sort(seconds);
            double usual = seconds.get(STEADY_SECONDS / 2);
            victims.broker().signal("STOP");
            ledger.pace(2 * seconds.get(STEADY_SECONDS - 1));
            ledger.forgetRefusals();
            int sent = ledger.sent();
            long blocked = victims.blocked(port);
            long most = 0;
            long outage = System.nanoTime();
            while (secondsSince(outage) < SECONDS) {
                awaitSecond(System.nanoTime());
                most = Math.max(most, Victims.residentBytes(gateway));
            }
            double offered = (ledger.sent() - sent) / secondsSince(outage);
            blocked = victims.blocked(port) - blocked;
            int p99 = ledger.refusalMillis(0.99);
            victims.broker().signal("CONT");
            long back = System.nanoTime();
            List<Integer> rates = awaitRate(ledger, MEASURED ? ALMOST * usual : 1);
            double backAfter = secondsSince(back);
            Ledger.Account account = ledger.settle(victims.broker().bootstrapServers(), Victims.TOPIC);
            Report.add("Kafka stuck for " + SECONDS + " s", 1, account);
            Report.remark(String.format(
                    Locale.ROOT,
                    "Kafka stuck for %d s: the gateway took %.0f events/s before, was offered %.0f/s, and refused 99 %% of"
                            + " them within %d ms; its memory grew from %d to %d MiB at most; its event loops were blocked"
                            + " for 100 ms %d times; it was back at its rate after %.1f s: %s events/s.",
                    SECONDS,
                    usual,
                    offered,
                    p99,
                    steady >> 20,
                    most >> 20,
                    blocked,
                    backAfter,
                    rates));
            assertThat(account.missing()).isZero();
            assertThat(account.outOfOrder()).isZero();
            assertThat(account.refused()).isPositive();
            if (MEASURED) {
                assertThat((double) most).isLessThan(1.1 * steady);
                assertThat(p99).isLessThan(50);
                assertThat(backAfter).isLessThan(5);
                assertThat(blocked).isZero();
            }
        }
        victims.assertBalance(port);
    }

    @Test
    void spoolTakesAllOfIt() throws Exception {
        victims.gateway(port, Map.of("SPOOL_DIR", victims.spool(port).toString()), "");
        try (Ledger ledger = new Ledger(List.of(port), CONNECTIONS)) {
            ledger.pace(RATE);
            await().atMost(PATIENCE).until(() -> ledger.acknowledged() > RATE);
            victims.broker().signal("STOP");
            int sent = ledger.sent();
            long outage = System.nanoTime();
            while (secondsSince(outage) < SPOOLED_SECONDS) {
                awaitSecond(System.nanoTime());
            }
            double offered = (ledger.sent() - sent) / secondsSince(outage);
            double spooled = victims.metric(port, "sluice_spool_events ");
            victims.broker().signal("CONT");
            long back = System.nanoTime();
            await().atMost(Duration.ofMinutes(10)).until(() -> victims.metric(port, "sluice_spool_events ") == 0);
            double replayed = secondsSince(back);
            Ledger.Account account = ledger.settle(victims.broker().bootstrapServers(), Victims.TOPIC);
            Report.add("Kafka stuck for " + SPOOLED_SECONDS + " s, with spool", 1, account);
            Report.remark(String.format(
                    Locale.ROOT,
                    "Kafka stuck for %d s, with spool: the gateway was sent %.0f events/s meanwhile, held %.0f on disk,"
                            + " and had replayed them %.1f s after Kafka came back.",
                    SPOOLED_SECONDS,
                    offered,
                    spooled,
                    replayed));
            assertThat(account.refused()).isZero();
            assertThat(account.unanswered()).isZero();
            assertThat(account.missing()).isZero();
            assertThat(account.outOfOrder()).isZero();
            // what was on its way to Kafka when it got stuck or came back, and may have been stored
            assertThat(account.storedTwice()).isLessThanOrEqualTo(CONNECTIONS + REPLAY_WINDOW);
            victims.assertCountedOnce(account);
            assertThat(spooled).isPositive();
        }
        victims.assertBalance(port);
    }

    /** Until that many events a second are acknowledged; how many were in each second until then. */
    private static List<Integer> awaitRate(Ledger ledger, double perSecond) {
        List<Integer> rates = new ArrayList<>();
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(100)).until(() -> {
            rates.add((int) awaitSecondOf(ledger));
            return rates.get(rates.size() - 1) >= perSecond;
        });
        return rates;
    }

    /** Waits for a second; how many events were acknowledged in it. */
    private static double awaitSecondOf(Ledger ledger) {
        int before = ledger.acknowledged();
        long start = System.nanoTime();
        awaitSecond(start);
        return (ledger.acknowledged() - before) / secondsSince(start);
    }

    private static void awaitSecond(long start) {
        await().pollInterval(Duration.ofMillis(10)).until(() -> secondsSince(start) >= 1);
    }

    private static double secondsSince(long nanos) {
        return (System.nanoTime() - nanos) / (double) TimeUnit.SECONDS.toNanos(1);
    }
}
