package dev.sluice.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A broker and gateways, as processes, to do harm to; and the report of what was done. */
final class Victims implements AutoCloseable {
    static final String TOPIC = "events";
    /** Events that a fault should hit. */
    static final int SOME = 300;

    static final Duration PATIENCE = Duration.ofMinutes(2);

    private static final int PAGE_BYTES = 4096;
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private final String name;
    private final Path folder;
    private final List<Process> processes = new ArrayList<>();
    private final Map<Integer, Integer> managementPorts = new HashMap<>();
    private RealBroker broker;

    /**
     * @param name of the test, for the gateways' logs beside the report
     * @param brokerPrefix goes before the broker's command
     * @param brokerSettings as {@link RealBroker#launch} takes them
     */
    Victims(String name, Path folder, List<String> brokerPrefix, Map<String, String> brokerSettings) throws Exception {
        this.name = name;
        this.folder = folder;
        Path data = folder.resolve("kafka");
        broker = RealBroker.launch(
                brokerPrefix,
                RealBroker.jars(),
                data,
                folder.resolve("broker.log"),
                RealBroker.freePort(),
                brokerSettings);
        await().atMost(PATIENCE).until(() -> RealBroker.accepts(broker.port()));
        RealTopics.create(broker, 4, TOPIC);
    }

    @Override
    public void close() {
        processes.forEach(process -> process.destroyForcibly().onExit().join());
        broker.close();
    }

    RealBroker broker() {
        return broker;
    }

    void restartBroker() {
        broker = broker.restart();
    }

    /** The broker again, without what went before its command. */
    void restartBrokerUnlimited() {
        broker.kill();
        broker = RealBroker.launch(
                List.of(), RealBroker.jars(), folder.resolve("kafka"), folder.resolve("broker.log"), broker.port());
        await().atMost(PATIENCE).until(() -> RealBroker.accepts(broker.port()));
    }

    Process gateway(int port) throws Exception {
        return gateway(port, Map.of(), "");
    }

    /**
     * Starts a gateway with the memory that it is promised to do with, and waits until it is ready.
     *
     * @param shell goes before the command, as {@code ulimit -f 100;}
     */
    Process gateway(int port, Map<String, String> settings, String shell) throws Exception {
        int managementPort = managementPorts.computeIfAbsent(port, any -> RealBroker.freePort());
        Map<String, String> all = new HashMap<>(Map.of(
                "BODY_TIMEOUT", "5s",
                "KAFKA_PRODUCER_DELIVERY_TIMEOUT_MS", "10000",
                "KAFKA_PRODUCER_REQUEST_TIMEOUT_MS", "5000"));
        all.putAll(settings);
        Process process = Processes.gateway(
                log(port),
                port,
                managementPort,
                broker.bootstrapServers(),
                all,
                shell,
                "-Xmx192m",
                "-XX:+ExitOnOutOfMemoryError");
        processes.add(process);
        return process;
    }

    /** The private port of the gateway on that one. */
    int managementPort(int port) {
        return managementPorts.get(port);
    }

    /** What is stored twice is counted once: streaming, begun on all of it, says so. */
    void assertCountedOnce(Ledger.Account account) throws Exception {
        Path log = Report.log(name + "-streaming");
        Files.deleteIfExists(log);
        Process streaming = Processes.streaming(
                log, RealBroker.freePort(), broker.bootstrapServers(), folder.resolve("checkpoint"), Map.of());
        processes.add(streaming);
        Map<String, Long> once = new HashMap<>(Map.of("fault counted", (long) account.stored()));
        if (account.storedTwice() > 0) {
            once.put("fault duplicate", (long) account.storedTwice());
        }
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(new Console(log).totals()).isEqualTo(once));
    }

    Path log(int port) throws IOException {
        return Report.log(name + "-gateway-" + port);
    }

    Path spool(int port) {
        return folder.resolve("spool-" + port);
    }

    int get(int port, String path) throws Exception {
        return HTTP.send(management(port, path), BodyHandlers.discarding()).statusCode();
    }

    /** Bytes of memory that a process has of the machine's. */
    static long residentBytes(Process process) throws IOException {
        String pages =
                Files.readString(Path.of("/proc/" + process.pid() + "/statm")).split(" ")[1];
        return Long.parseLong(pages) * PAGE_BYTES;
    }

    /** How often an event loop was blocked for longer than it may be. */
    long blocked(int port) throws IOException {
        try (Stream<String> lines = Files.lines(log(port))) {
            return lines.filter(line -> line.contains("has been blocked")).count();
        }
    }

    /** The sum of all metrics whose lines begin so. */
    double metric(int port, String name) throws Exception {
        return HTTP.send(management(port, "/metrics"), BodyHandlers.ofLines())
                .body()
                .filter(line -> line.startsWith(name))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    private HttpRequest management(int port, String path) {
        return HttpRequest.newBuilder(URI.create("http://localhost:" + managementPorts.get(port) + path))
                .build();
    }

    /** received = stored + spooled + refused, what was spooled is in Kafka, and nothing is held any more. */
    void assertBalance(int port) {
        await().atMost(PATIENCE).untilAsserted(() -> {
            assertThat(metric(port, "sluice_events_received_total ")).isEqualTo(metric(port, "sluice_events_total{"));
            assertThat(metric(port, "sluice_in_flight_bytes ")).isZero();
            assertThat(metric(port, "sluice_spool_events ")).isZero();
            assertThat(metric(port, "sluice_spool_missing_total ")).isZero();
        });
    }

    /** Ends the load, reports what became of it, and finds nothing missing and nothing out of order. */
    Ledger.Account settle(String fault, int times, Ledger ledger) throws Exception {
        Ledger.Account account = ledger.settle(broker.bootstrapServers(), TOPIC);
        Report.add(fault, times, account);
        assertThat(account.missing()).as("acknowledged and not stored").isZero();
        assertThat(account.outOfOrder())
                .as("stored before what the same connection sent first")
                .isZero();
        assertThat(account.acknowledged()).isGreaterThan(SOME);
        return account;
    }

    /** Until as many events as a fault should hit have been acknowledged since. */
    static void awaitMore(Ledger ledger) {
        int before = ledger.acknowledged();
        await().atMost(PATIENCE).until(() -> ledger.acknowledged() > before + SOME);
    }

    /** Until as many events have been refused since. */
    static void awaitRefusals(Ledger ledger) {
        int before = ledger.refused();
        await().atMost(PATIENCE).until(() -> ledger.refused() > before + SOME);
    }

    /** Says how far a long test is. */
    static void progress(String fault, int round, int rounds, Ledger ledger) {
        System.out.printf(
                "%s, %d of %d: %d events sent, %d acknowledged%n",
                fault, round, rounds, ledger.sent(), ledger.acknowledged());
    }
}
