package dev.sluice.local;

import static dev.sluice.local.Victims.PATIENCE;
import static dev.sluice.local.Victims.SOME;
import static dev.sluice.local.Victims.awaitMore;
import static dev.sluice.local.Victims.awaitRefusals;
import static dev.sluice.local.Victims.progress;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.RealBroker;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

/**
 * Faults under load, and a ledger of what was acknowledged: none of it may be missing, and nothing be there twice. A
 * short form in each build; {@code make fault-test} is the long one.
 */
class FaultIT {
    private static final int ROUNDS = Integer.getInteger("fault.rounds", 2);
    /** Of the faults that take long. */
    private static final int HALF = (ROUNDS + 1) / 2;
    /** Bad clients of each kind in a round. */
    private static final int OF_A_KIND = 500;

    private static final long STUCK = Integer.getInteger("fault.stuck.seconds", 0);
    /** What a spool may send again: how far it came is written with each acknowledgement. */
    private static final int REPLAYED_AT_A_KILL = 1_000;

    @TempDir
    Path folder;

    private final int first = RealBroker.freePort();
    private final int second = RealBroker.freePort();
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
    void gatewayKilled() throws Exception {
        Process gateway = victims.gateway(first);
        try (Ledger ledger = new Ledger(List.of(first))) {
            for (int round = 0; round < ROUNDS; round++) {
                awaitMore(ledger);
                gateway.destroyForcibly().onExit().get(1, TimeUnit.MINUTES);
                gateway = victims.gateway(first);
                progress("SIGKILL of the gateway", round + 1, ROUNDS, ledger);
            }
            awaitMore(ledger);
            assertThat(victims.settle("SIGKILL of the gateway", ROUNDS, ledger).storedTwice())
                    .isZero();
        }
        victims.assertBalance(first);
    }

    @Test
    void twoGatewaysRestartedInTurn() throws Exception {
        Map<Integer, Process> gateways = new HashMap<>();
        gateways.put(first, victims.gateway(first));
        gateways.put(second, victims.gateway(second));
        try (Ledger ledger = new Ledger(List.of(first, second))) {
            for (int round = 0; round < ROUNDS; round++) {
                int port = round % 2 == 0 ? first : second;
                awaitMore(ledger);
                Process process = gateways.get(port);
                process.destroy();
                assertThat(process.onExit().get(1, TimeUnit.MINUTES).exitValue())
                        .isZero();
                gateways.put(port, victims.gateway(port));
                progress("SIGTERM of one of two gateways", round + 1, ROUNDS, ledger);
            }
            awaitMore(ledger);
            assertThat(victims.settle("SIGTERM of one of two gateways", ROUNDS, ledger)
                            .storedTwice())
                    .isZero();
        }
    }

    @Test
    void brokerKilled() throws Exception {
        Process gateway = victims.gateway(first);
        try (Ledger ledger = new Ledger(List.of(first))) {
            for (int round = 0; round < ROUNDS; round++) {
                awaitMore(ledger);
                victims.restartBroker();
                progress("SIGKILL of the broker", round + 1, ROUNDS, ledger);
            }
            awaitMore(ledger);
            assertThat(victims.settle("SIGKILL of the broker", ROUNDS, ledger).storedTwice())
                    .isZero();
        }
        assertThat(gateway.isAlive()).isTrue();
        victims.assertBalance(first);
    }

    @Test
    void brokerStuck() throws Exception {
        Process gateway = victims.gateway(first);
        try (Ledger ledger = new Ledger(List.of(first))) {
            for (int round = 0; round < HALF; round++) {
                awaitMore(ledger);
                int refused = ledger.refused();
                victims.broker().signal("STOP");
                // the breaker opens, refusals are quick, and the gateway lives
                long since = System.nanoTime();
                await().atMost(PATIENCE).until(() -> ledger.refused() > refused + SOME && secondsSince(since) >= STUCK);
                assertThat(victims.get(first, "/health/live")).isEqualTo(200);
                assertThat(victims.get(first, "/health/ready")).isEqualTo(503);
                victims.broker().signal("CONT");
                await().atMost(PATIENCE).until(() -> victims.get(first, "/health/ready") == 200);
                progress("SIGSTOP and SIGCONT of the broker", round + 1, HALF, ledger);
            }
            awaitMore(ledger);
            assertThat(victims.settle("SIGSTOP and SIGCONT of the broker", HALF, ledger)
                            .storedTwice())
                    .isZero();
        }
        assertThat(gateway.isAlive()).isTrue();
        victims.assertBalance(first);
    }

    /** In waves, so that neither process has more files open than a process may have. */
    @Test
    void badClients() throws Exception {
        Process gateway = victims.gateway(first);
        try (Ledger ledger = new Ledger(List.of(first));
                BadClients clients = new BadClients(first)) {
            awaitMore(ledger);
            for (int round = 0; round < ROUNDS; round++) {
                clients.wave(OF_A_KIND);
                awaitMore(ledger);
                progress("bad clients", round + 1, ROUNDS, ledger);
            }
            String fault = "connections dropped, half-open, slow, reset, and never read";
            assertThat(victims.settle(fault, clients.connections(), ledger).storedTwice())
                    .isZero();
        }
        assertThat(gateway.isAlive()).isTrue();
        victims.assertBalance(first);
    }

    /** Nothing is refused; what is in doubt when the broker dies may be stored twice, but for one a connection. */
    @Test
    void brokerAway_gatewayKilled_withSpool() throws Exception {
        Map<String, String> spool = spool();
        Process gateway = victims.gateway(first, spool, "");
        try (Ledger ledger = new Ledger(List.of(first))) {
            for (int round = 0; round < HALF; round++) {
                awaitMore(ledger);
                victims.broker().kill();
                awaitMore(ledger);
                assertThat(victims.get(first, "/health/ready")).isEqualTo(200);
                gateway.destroyForcibly().onExit().get(1, TimeUnit.MINUTES);
                gateway = victims.gateway(first, spool, "");
                awaitMore(ledger);
                victims.restartBroker();
                await().atMost(PATIENCE).until(() -> victims.metric(first, "sluice_spool_events ") == 0);
                progress("broker away, gateway killed, with spool", round + 1, HALF, ledger);
            }
            awaitMore(ledger);
            Ledger.Account account = victims.settle("broker away, gateway killed meanwhile, with spool", HALF, ledger);
            assertThat(account.refused()).isZero();
            assertThat(account.storedTwice()).isLessThanOrEqualTo(2 * HALF * Ledger.CONNECTIONS + REPLAYED_AT_A_KILL);
            victims.assertCountedOnce(account);
        }
        victims.assertBalance(first);
    }

    /** A limit of a file's size stands in for a full disk: the write fails in the middle. */
    @Test
    void diskOfTheSpoolFull() throws Exception {
        Process gateway = victims.gateway(first, spool(), "ulimit -f 200;");
        try (Ledger ledger = new Ledger(List.of(first))) {
            for (int round = 0; round < HALF; round++) {
                awaitMore(ledger);
                victims.broker().kill();
                awaitRefusals(ledger);
                assertThat(victims.get(first, "/health/live")).isEqualTo(200);
                victims.restartBroker();
                await().atMost(PATIENCE).until(() -> victims.metric(first, "sluice_spool_events ") == 0);
                progress("disk of the spool full", round + 1, HALF, ledger);
            }
            awaitMore(ledger);
            victims.settle("disk of the spool full", HALF, ledger);
        }
        assertThat(gateway.isAlive()).isTrue();
        victims.assertBalance(first);
    }

    private Map<String, String> spool() {
        return Map.of("SPOOL_DIR", victims.spool(first).toString());
    }

    private static long secondsSince(long nanos) {
        return TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - nanos);
    }
}
