package dev.sluice.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.Row;
import dev.sluice.events.Programs;
import dev.sluice.events.RealBroker;
import dev.sluice.events.RealCassandra;
import dev.sluice.events.RealTopics;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole system with a store, as processes that are killed: what was acknowledged is what the store says. */
class StoreIT {
    private static final int REQUESTS = 100;
    private static final int BATCH = 1_000;
    private static final int TYPES = 10;
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final int OUTAGE_SECONDS = Integer.getInteger("store.outage.seconds", 10);
    private static final int A_BATCH_SECONDS = 20;
    private static final long SEND_MILLIS = 50;

    private static final Pattern DOCUMENTED = Pattern.compile("`(sluice_[a-z_]+)[`{]");

    @TempDir
    Path folder;

    private RealBroker broker;
    private RealCassandra cassandra;
    private Process gateway;
    private Process streaming;
    private final int http = RealBroker.freePort();
    private final int operations = RealBroker.freePort();

    @BeforeEach
    void start() throws Exception {
        broker = RealBroker.start(folder.resolve("kafka"));
        RealTopics.create(broker, Bench.PARTITIONS, "events");
        cassandra = RealCassandra.start(folder.resolve("cassandra"));
        gateway = Processes.gateway(
                folder.resolve("gateway.log"),
                http,
                RealBroker.freePort(),
                broker.bootstrapServers(),
                Map.of(),
                "",
                "-Xmx192m");
        streaming = startStreaming();
    }

    @AfterEach
    void stop() {
        for (Process process : new Process[] {streaming, gateway}) {
            if (process != null) {
                process.destroyForcibly().onExit().join();
            }
        }
        if (cassandra != null) {
            cassandra.close();
        }
        if (broker != null) {
            broker.close();
        }
    }

    @Test
    void counts_killedOnTheWay_areWhatWasAcknowledged() throws Exception {
        for (int request = 0; request < REQUESTS; request++) {
            assertThat(Processes.post(http, batch()).body()).isEqualTo("{\"accepted\":" + BATCH + "}");
            switch (request) {
                case 20, 60 -> {
                    awaitCounts((long) BATCH * request / 2);
                    streaming.destroyForcibly().onExit().join();
                    streaming = startStreaming();
                }
                case 40 -> {
                    awaitCounts((long) BATCH * request);
                    cassandra.kill();
                }
                case 50 -> {
                    Processes.await(
                            () -> Processes.metric(operations, "sluice_store_waiting_seconds") > 0,
                            streaming,
                            folder.resolve("streaming.log"));
                    assertThat(Processes.status(operations, "/health/ready")).isEqualTo(503);
                    assertThat(Processes.status(operations, "/health/live")).isEqualTo(200);
                    cassandra = cassandra.restart();
                }
                default -> {}
            }
        }
        awaitCounts((long) REQUESTS * BATCH);
        assertThat(counts().values()).hasSize(TYPES).containsOnly((long) REQUESTS * BATCH / TYPES);
        assertThat(Processes.metric(operations, "sluice_store_waiting_seconds")).isZero();

        await().atMost(PATIENCE).until(this::isClosed);
        Lake lake = new Lake(folder, cassandra, Map.of());
        Map<String, String> soon = Map.of("OFFLOAD_AFTER", "1ms");
        assertThat(lake.offload(soon)).contains("Verified");
        assertThat(lake.query("SELECT count(*), min(n), max(n) FROM (SELECT sum(count) AS n FROM moved WHERE outcome ="
                        + " 'counted' GROUP BY event_type)"))
                .contains("|" + TYPES + "|" + REQUESTS * BATCH / TYPES + "|" + REQUESTS * BATCH / TYPES + "|");
        assertThat(lake.offload(soon)).contains("nothing to move");
    }

    private boolean isClosed() {
        try (CqlSession session = session()) {
            return session.execute("SELECT window_end FROM counts_by_window").all().stream()
                    .allMatch(row -> row.getInstant(0).isBefore(Instant.now()));
        }
    }

    @Test
    void storeAway_stopsInTimeAndEndsAfterItsPatience() throws Exception {
        Processes.post(http, batch());
        awaitCounts(BATCH);
        cassandra.kill();
        Processes.post(http, batch());
        Processes.await(
                () -> Processes.metric(operations, "sluice_store_waiting_seconds") > 0,
                streaming,
                folder.resolve("streaming.log"));
        streaming.destroy();
        assertThat(streaming.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(streaming.exitValue()).isZero();

        streaming = startStreaming(Map.of("STORE_PATIENCE", "2s"));
        assertThat(streaming.waitFor(1, TimeUnit.MINUTES)).isTrue();
        assertThat(streaming.exitValue()).isEqualTo(1);
        assertThat(Processes.text(folder.resolve("streaming.log"))
                        .stripTrailing()
                        .lines()
                        .reduce((a, b) -> b))
                .hasValueSatisfying(last -> assertThat(last)
                        .startsWith(
                                "The query failed: StoreTrouble: Cassandra has taken nothing for STORE_PATIENCE=2s"));

        cassandra = cassandra.restart();
        streaming = startStreaming();
        awaitCounts(2L * BATCH);
        assertThat(counts().values()).hasSize(TYPES).containsOnly(2L * BATCH / TYPES);
    }

    @Test
    void storeAwayUnderLoad_countsAreExact_andTheConsoleWaitsNoLonger() throws Exception {
        AtomicBoolean enough = new AtomicBoolean();
        CompletableFuture<Long> sent = CompletableFuture.supplyAsync(() -> send(enough));
        try {
            awaitCounts(10L * BATCH);
            cassandra.kill();
            double held = 0;
            double silent = 0;
            long shown = shown();
            long since = System.nanoTime();
            boolean back = false;
            // until the console has gone on
            while (!back || shown() == shown) {
                held = Math.max(held, Processes.metric(operations, "sluice_store_waiting_seconds"));
                if (!back && held >= OUTAGE_SECONDS) {
                    cassandra = cassandra.restart();
                    shown = shown();
                    back = true;
                }
                if (shown() != shown && !back) {
                    shown = shown();
                    since = System.nanoTime();
                }
                assertThat(streaming.isAlive()).isTrue();
                silent = (System.nanoTime() - since) / 1e9;
            }
            assertThat(held).isGreaterThanOrEqualTo(OUTAGE_SECONDS);
            // Cassandra's own start is part of both, and what is left is a batch
            assertThat(silent).isLessThan(held + A_BATCH_SECONDS);
        } finally {
            enough.set(true);
        }
        long all = sent.get(1, TimeUnit.MINUTES);
        awaitCounts(all);
        assertThat(counts().values()).hasSize(TYPES).containsOnly(all / TYPES);
    }

    /** With a spool, a store and a sender who is known, both have all metrics that there are. */
    @Test
    void metrics_areThoseOfTheReadme_andAsPrometheusWantsThem() throws Exception {
        int management = RealBroker.freePort();
        int keyed = RealBroker.freePort();
        Path keys = folder.resolve("keys.json");
        Programs.run(
                folder,
                "sh",
                "-c",
                "NAME=shop API_KEYS_FILE=" + keys + " java -cp "
                        + Processes.artifact("gateway/target/sluice-gateway.jar")
                        + " dev.sluice.gateway.NewApiKey > key");
        Matcher key = Pattern.compile("shop\\.[\\w-]+").matcher(Files.readString(folder.resolve("key")));
        assertThat(key.find()).isTrue();
        Process spooling = Processes.gateway(
                folder.resolve("spooling.log"),
                keyed,
                management,
                broker.bootstrapServers(),
                Map.of("SPOOL_DIR", folder.resolve("spool").toString(), "API_KEYS_FILE", keys.toString()),
                "",
                "-Xmx192m");
        try {
            Processes.post(http, batch());
            awaitCounts(BATCH);
            Processes.post(keyed, "{\"event_type\":\"a\"}", "X-API-Key", key.group());
            Set<String> running = new TreeSet<>(metrics(management));
            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(metrics(operations)).contains("sluice_lag_seconds"));
            running.addAll(metrics(operations));
            Set<String> documented = new TreeSet<>();
            Matcher name = DOCUMENTED.matcher(Files.readString(Processes.HOME.resolve("README.md")));
            while (name.find()) {
                documented.add(name.group(1));
            }
            assertThat(running).isEqualTo(documented);
            for (int port : new int[] {management, operations}) {
                Programs.require("promtool");
                Files.writeString(
                        folder.resolve("metrics"),
                        Processes.get(port, "/metrics").body());
                Programs.run(folder, "sh", "-c", "promtool check metrics < metrics");
            }
        } finally {
            spooling.destroyForcibly().onExit().join();
        }
    }

    /** Names of ours, without those of the parts of a timer. */
    private static Set<String> metrics(int port) throws Exception {
        return Processes.get(port, "/metrics")
                .body()
                .lines()
                .filter(line -> line.startsWith("sluice_"))
                .map(line -> line.split("[{ ]")[0].replaceAll("_(bucket|count|sum|max)$", ""))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Batch after batch. */
    private long send(AtomicBoolean enough) {
        long sent = 0;
        try {
            while (!enough.get()) {
                assertThat(Processes.post(http, batch()).body()).isEqualTo("{\"accepted\":" + BATCH + "}");
                sent += BATCH;
                TimeUnit.MILLISECONDS.sleep(SEND_MILLIS);
            }
            return sent;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** Counts on the console, by now. */
    private long shown() throws Exception {
        return Processes.text(folder.resolve("streaming.log"))
                .lines()
                .filter(line -> line.contains("type_0"))
                .count();
    }

    private void awaitCounts(long least) {
        await().atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(500))
                .ignoreExceptions()
                .until(() ->
                        counts().values().stream().mapToLong(Long::longValue).sum() >= least);
    }

    /** All counted, by type. */
    private Map<String, Long> counts() {
        try (CqlSession session = session()) {
            Map<String, Long> counts = new HashMap<>();
            for (Row row : session.execute("SELECT event_type, outcome, count FROM counts_by_type")) {
                if ("counted".equals(row.getString("outcome"))) {
                    counts.merge(row.getString("event_type"), row.getLong("count"), Long::sum);
                }
            }
            return counts;
        }
    }

    private CqlSession session() {
        return CqlSession.builder()
                .addContactPoint(new InetSocketAddress("localhost", cassandra.port()))
                .withLocalDatacenter("datacenter1")
                .withKeyspace("sluice")
                .build();
    }

    private Process startStreaming() throws Exception {
        return startStreaming(Map.of());
    }

    private Process startStreaming(Map<String, String> more) throws Exception {
        Map<String, String> settings = new HashMap<>(Map.of(
                "SINKS", "console,cassandra",
                "WINDOW", "10s",
                "CASSANDRA_CONTACT_POINTS", cassandra.contactPoint(),
                "CASSANDRA_CREATE", "1",
                "CASSANDRA_REPLICAS", "1"));
        settings.putAll(more);
        return Processes.streaming(
                folder.resolve("streaming.log"),
                operations,
                broker.bootstrapServers(),
                folder.resolve("checkpoint"),
                settings);
    }

    private static String batch() {
        return IntStream.range(0, BATCH)
                .mapToObj(i -> "{\"event_type\":\"type_" + i % TYPES + "\"}")
                .collect(Collectors.joining(",", "[", "]"));
    }
}
