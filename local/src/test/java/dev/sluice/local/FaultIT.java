package dev.sluice.local;

import static dev.sluice.local.Victims.PATIENCE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.RealBroker;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
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
    private static final long STUCK = Integer.getInteger("fault.stuck.seconds", 0);
    private static final int SOME = 300;
    /** What a spool may send again: how far it came is written with each acknowledgement. */
    private static final int REPLAYED_AT_A_KILL = 1_000;

    @TempDir
    Path folder;

    private final int first = RealBroker.freePort();
    private final int second = RealBroker.freePort();
    private Victims victims;

    @BeforeEach
    void start(TestInfo test) throws Exception {
        victims = new Victims(test.getTestMethod().orElseThrow().getName(), folder, List.of());
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
            }
            awaitMore(ledger);
            assertThat(settle("SIGKILL of the gateway", ROUNDS, ledger).storedTwice())
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
            }
            awaitMore(ledger);
            assertThat(settle("SIGTERM of one of two gateways", ROUNDS, ledger).storedTwice())
                    .isZero();
        }
    }

    @Test
    void brokerKilled() throws Exception {
        Process gateway = victims.gateway(first);
        try (Ledger ledger = new Ledger(List.of(first))) {
            for (int round = 0; round < (ROUNDS + 1) / 2; round++) {
                awaitMore(ledger);
                victims.restartBroker();
            }
            awaitMore(ledger);
            assertThat(settle("SIGKILL of the broker", (ROUNDS + 1) / 2, ledger).storedTwice())
                    .isZero();
        }
        assertThat(gateway.isAlive()).isTrue();
        victims.assertBalance(first);
    }

    @Test
    void brokerStuck() throws Exception {
        Process gateway = victims.gateway(first);
        try (Ledger ledger = new Ledger(List.of(first))) {
            for (int round = 0; round < (ROUNDS + 1) / 2; round++) {
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
            }
            awaitMore(ledger);
            assertThat(settle("SIGSTOP and SIGCONT of the broker", (ROUNDS + 1) / 2, ledger)
                            .storedTwice())
                    .isZero();
        }
        assertThat(gateway.isAlive()).isTrue();
        victims.assertBalance(first);
    }

    @Test
    void badClients() throws Exception {
        Process gateway = victims.gateway(first);
        int each = 200 * ROUNDS;
        List<Socket> open = new ArrayList<>();
        try (Ledger ledger = new Ledger(List.of(first))) {
            awaitMore(ledger);
            String head = "POST /api/events HTTP/1.1\r\nHost: x\r\n";
            String event = "{\"event_type\":\"bad_client\"}";
            String whole = head + "Content-Length: " + event.length() + "\r\n\r\n" + event;
            for (int i = 0; i < each; i++) {
                new Socket("localhost", first).close();
                open.add(say("POST /api/ev"));
                open.add(say(head + "Content-Length: 1000\r\n\r\n{"));
                // never reads its answers
                open.add(say(whole.repeat(20)));
                Socket reset = say(head + "Content-Length: 1000\r\n\r\n{");
                reset.setSoLinger(true, 0);
                reset.close();
            }
            awaitMore(ledger);
            assertThat(settle("connections dropped, half-open, slow, reset, and never read", 5 * each, ledger)
                            .storedTwice())
                    .isZero();
        } finally {
            for (Socket socket : open) {
                socket.close();
            }
        }
        assertThat(gateway.isAlive()).isTrue();
        victims.assertBalance(first);
    }

    /** Nothing is refused; what is in doubt when the broker dies may be stored twice, but for one a connection. */
    @Test
    void brokerAway_gatewayKilled_withSpool() throws Exception {
        Map<String, String> spool = spool();
        Process gateway = victims.gateway(first, spool, "");
        int rounds = (ROUNDS + 1) / 2;
        try (Ledger ledger = new Ledger(List.of(first))) {
            for (int round = 0; round < rounds; round++) {
                awaitMore(ledger);
                victims.broker().kill();
                awaitMore(ledger);
                assertThat(victims.get(first, "/health/ready")).isEqualTo(200);
                gateway.destroyForcibly().onExit().get(1, TimeUnit.MINUTES);
                gateway = victims.gateway(first, spool, "");
                awaitMore(ledger);
                victims.restartBroker();
                await().atMost(PATIENCE).until(() -> victims.metric(first, "sluice_spool_events ") == 0);
            }
            awaitMore(ledger);
            Ledger.Account account = settle("broker away, gateway killed meanwhile, with spool", rounds, ledger);
            assertThat(account.refused()).isZero();
            assertThat(account.storedTwice()).isLessThanOrEqualTo(2 * rounds * Ledger.CONNECTIONS + REPLAYED_AT_A_KILL);
        }
        victims.assertBalance(first);
    }

    /** A limit of a file's size stands in for a full disk: the write fails in the middle. */
    @Test
    void diskOfTheSpoolFull() throws Exception {
        Process gateway = victims.gateway(first, spool(), "ulimit -f 200;");
        try (Ledger ledger = new Ledger(List.of(first))) {
            for (int round = 0; round < (ROUNDS + 1) / 2; round++) {
                awaitMore(ledger);
                int refused = ledger.refused();
                victims.broker().kill();
                await().atMost(PATIENCE).until(() -> ledger.refused() > refused + SOME);
                assertThat(victims.get(first, "/health/live")).isEqualTo(200);
                victims.restartBroker();
                await().atMost(PATIENCE).until(() -> victims.metric(first, "sluice_spool_events ") == 0);
            }
            awaitMore(ledger);
            settle("disk of the spool full", (ROUNDS + 1) / 2, ledger);
        }
        assertThat(gateway.isAlive()).isTrue();
        victims.assertBalance(first);
    }

    private Socket say(String text) throws IOException {
        Socket socket = new Socket("localhost", first);
        socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
        return socket;
    }

    private Map<String, String> spool() {
        return Map.of("SPOOL_DIR", victims.spool(first).toString());
    }

    private static long secondsSince(long nanos) {
        return TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - nanos);
    }

    /** Until as many events as a fault should hit have been acknowledged since. */
    private static void awaitMore(Ledger ledger) {
        int before = ledger.acknowledged();
        await().atMost(PATIENCE).until(() -> ledger.acknowledged() > before + SOME);
    }

    private Ledger.Account settle(String fault, int times, Ledger ledger) throws Exception {
        Ledger.Account account = ledger.settle(victims.broker().bootstrapServers(), Victims.TOPIC);
        Victims.report(fault, times, account);
        assertThat(account.missing()).as("acknowledged and not stored").isZero();
        assertThat(account.outOfOrder())
                .as("stored before what the same connection sent first")
                .isZero();
        assertThat(account.acknowledged()).isGreaterThan(SOME);
        return account;
    }
}
