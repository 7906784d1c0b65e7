package dev.sluice.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.RealBroker;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Faults under load, and a ledger of what was acknowledged: none of it may be missing, and nothing be there twice. A
 * short form in each build; {@code make fault-test} is the long one.
 */
class FaultIT {
    private static final int ROUNDS = Integer.getInteger("fault.rounds", 2);
    private static final Path REPORT = Processes.HOME.resolve("local/target/fault-test/report.md");
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final int SOME = 300;

    @TempDir
    Path folder;

    private final Map<Integer, Integer> managementPorts = new HashMap<>();
    private final List<Process> processes = new ArrayList<>();
    private final int first = port();
    private final int second = port();
    private RealBroker broker;

    @BeforeEach
    void start() throws Exception {
        broker = RealBroker.start(folder.resolve("kafka"));
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            admin.createTopics(List.of(new NewTopic("events", 4, (short) 1)))
                    .all()
                    .get(60, TimeUnit.SECONDS);
        }
    }

    @AfterEach
    void stop() {
        processes.forEach(process -> process.destroyForcibly().onExit().join());
        broker.close();
    }

    @Test
    void gatewayKilled() throws Exception {
        Process gateway = gateway(first);
        try (Ledger ledger = new Ledger(List.of(first))) {
            for (int round = 0; round < ROUNDS; round++) {
                awaitMore(ledger);
                gateway.destroyForcibly().onExit().get(1, TimeUnit.MINUTES);
                gateway = gateway(first);
            }
            awaitMore(ledger);
            settle("SIGKILL of the gateway", ROUNDS, ledger);
        }
        assertGatewayBalances(first);
    }

    @Test
    void twoGatewaysRestartedInTurn() throws Exception {
        Map<Integer, Process> gateways = new HashMap<>();
        gateways.put(first, gateway(first));
        gateways.put(second, gateway(second));
        try (Ledger ledger = new Ledger(List.of(first, second))) {
            for (int round = 0; round < ROUNDS; round++) {
                int port = round % 2 == 0 ? first : second;
                awaitMore(ledger);
                Process process = gateways.get(port);
                process.destroy();
                assertThat(process.onExit().get(1, TimeUnit.MINUTES).exitValue())
                        .isZero();
                gateways.put(port, gateway(port));
            }
            awaitMore(ledger);
            settle("SIGTERM of one of two gateways", ROUNDS, ledger);
        }
    }

    @Test
    void brokerKilled() throws Exception {
        Process gateway = gateway(first);
        try (Ledger ledger = new Ledger(List.of(first))) {
            for (int round = 0; round < (ROUNDS + 1) / 2; round++) {
                awaitMore(ledger);
                broker = broker.restart();
            }
            awaitMore(ledger);
            settle("SIGKILL of the broker", (ROUNDS + 1) / 2, ledger);
        }
        assertThat(gateway.isAlive()).isTrue();
        assertGatewayBalances(first);
    }

    @Test
    void brokerStuck() throws Exception {
        Process gateway = gateway(first);
        try (Ledger ledger = new Ledger(List.of(first))) {
            for (int round = 0; round < (ROUNDS + 1) / 2; round++) {
                awaitMore(ledger);
                int refused = ledger.refused();
                broker.signal("STOP");
                // the breaker opens, refusals are quick, and the gateway lives
                await().atMost(PATIENCE).until(() -> ledger.refused() > refused + SOME);
                assertThat(get(first, "/health/live")).isEqualTo(200);
                assertThat(get(first, "/health/ready")).isEqualTo(503);
                broker.signal("CONT");
                await().atMost(PATIENCE).until(() -> get(first, "/health/ready") == 200);
            }
            awaitMore(ledger);
            settle("SIGSTOP and SIGCONT of the broker", (ROUNDS + 1) / 2, ledger);
        }
        assertThat(gateway.isAlive()).isTrue();
        assertGatewayBalances(first);
    }

    @Test
    void badClients() throws Exception {
        Process gateway = gateway(first);
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
            settle("connections dropped, half-open, slow, reset, and never read", 5 * each, ledger);
        } finally {
            for (Socket socket : open) {
                socket.close();
            }
        }
        assertThat(gateway.isAlive()).isTrue();
        assertGatewayBalances(first);
    }

    private Socket say(String text) throws IOException {
        Socket socket = new Socket("localhost", first);
        socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
        return socket;
    }

    /** Until as many events as a fault should hit have been acknowledged since. */
    private static void awaitMore(Ledger ledger) {
        int before = ledger.acknowledged();
        await().atMost(PATIENCE).until(() -> ledger.acknowledged() > before + SOME);
    }

    private void settle(String fault, int times, Ledger ledger) throws Exception {
        Ledger.Account account = ledger.settle(broker.bootstrapServers(), "events");
        report(fault, times, account);
        assertThat(account.missing()).as("acknowledged and not stored").isZero();
        assertThat(account.storedTwice()).as("sent once and stored twice").isZero();
        assertThat(account.acknowledged()).isGreaterThan(SOME);
    }

    private static void report(String fault, int times, Ledger.Account account) throws IOException {
        Files.createDirectories(REPORT.getParent());
        if (Files.notExists(REPORT)) {
            Files.writeString(
                    REPORT,
                    "| fault | times | sent | acknowledged | refused with 503 | no answer | acknowledged and missing |"
                            + " stored twice |\n|---|---|---|---|---|---|---|---|\n");
        }
        String row = "| " + fault + " | " + times + " | " + account.sent() + " | " + account.acknowledged() + " | "
                + account.refused() + " | " + account.unanswered() + " | " + account.missing() + " | "
                + account.storedTwice() + " |";
        System.out.println(row);
        Files.writeString(REPORT, row + "\n", StandardOpenOption.APPEND);
    }

    /** received = stored + refused, and nothing is held any more. */
    private void assertGatewayBalances(int port) {
        await().atMost(PATIENCE).untilAsserted(() -> {
            String metrics = text(port, "/metrics");
            double ended = metrics.lines()
                    .filter(line -> line.startsWith("sluice_events_total{"))
                    .mapToDouble(FaultIT::value)
                    .sum();
            assertThat(metric(metrics, "sluice_events_received_total ")).isEqualTo(ended);
            assertThat(metric(metrics, "sluice_in_flight_bytes ")).isZero();
        });
    }

    private static double metric(String metrics, String name) {
        return metrics.lines()
                .filter(line -> line.startsWith(name))
                .mapToDouble(FaultIT::value)
                .sum();
    }

    private static double value(String line) {
        return Double.parseDouble(line.substring(line.lastIndexOf(' ')));
    }

    private int port() {
        int port = RealBroker.freePort();
        managementPorts.put(port, RealBroker.freePort());
        return port;
    }

    /** Starts a gateway with the memory that it is promised to do with, and waits until it is ready. */
    private Process gateway(int port) throws Exception {
        int managementPort = managementPorts.get(port);
        Process process = Processes.java(
                folder.resolve("gateway-" + port + ".log"),
                Map.of(
                        "HTTP_PORT",
                        Integer.toString(port),
                        "MANAGEMENT_PORT",
                        Integer.toString(managementPort),
                        "KAFKA_BOOTSTRAP_SERVERS",
                        broker.bootstrapServers(),
                        "BODY_TIMEOUT",
                        "5s",
                        "KAFKA_PRODUCER_DELIVERY_TIMEOUT_MS",
                        "10000",
                        "KAFKA_PRODUCER_REQUEST_TIMEOUT_MS",
                        "5000"),
                "-Xmx192m",
                "-jar",
                Processes.artifact("gateway/target/sluice-gateway.jar"));
        processes.add(process);
        await().atMost(PATIENCE).until(() -> Processes.isReady(managementPort));
        return process;
    }

    private int get(int port, String path) throws Exception {
        return HttpClient.newHttpClient()
                .send(management(port, path), BodyHandlers.discarding())
                .statusCode();
    }

    private String text(int port, String path) throws Exception {
        return HttpClient.newHttpClient()
                .send(management(port, path), BodyHandlers.ofString())
                .body();
    }

    private HttpRequest management(int port, String path) {
        return HttpRequest.newBuilder(URI.create("http://localhost:" + managementPorts.get(port) + path))
                .build();
    }
}
