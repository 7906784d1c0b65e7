package dev.sluice.local;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sluice.events.RealBroker;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;

/**
 * {@code make bench}: how long it takes until a count shows, with every part a process of its own. In each round streaming
 * is started anew: the first figure is the time from its start to the first count on its console. Then a trickle is sent,
 * each event of a type of its own, so that the row that shows it can be told: the second figure is the time from the start
 * of its POST to that row.
 */
final class FreshnessBench {
    private static final int ROUNDS = Integer.getInteger("bench.rounds", 3);
    private static final int EVENTS = 100;
    private static final long BETWEEN_MILLIS = 310;
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final Pattern ROW = Pattern.compile("\\|([^|\\s]+) *\\|counted");
    private static final Path REPORT = Processes.HOME.resolve("local/target/bench");

    private final Path folder;
    private final RealBroker broker;
    private final int http = RealBroker.freePort();
    private final List<Process> processes = new ArrayList<>();
    private final List<Double> firsts = new ArrayList<>();
    private final List<Double> medians = new ArrayList<>();
    private final List<Double> nearlyAll = new ArrayList<>();

    private FreshnessBench(Path folder) throws Exception {
        this.folder = folder;
        this.broker = RealBroker.start(folder.resolve("kafka"));
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            admin.createTopics(List.of(new NewTopic("events", 4, (short) 1)))
                    .all()
                    .get(1, TimeUnit.MINUTES);
        }
    }

    public static void main(String[] arguments) throws Exception {
        FreshnessBench bench = new FreshnessBench(Files.createTempDirectory("sluice-bench"));
        try {
            bench.startGateway();
            for (int round = 1; round <= ROUNDS; round++) {
                bench.round(round);
            }
        } finally {
            bench.processes.forEach(
                    process -> process.destroyForcibly().onExit().join());
            bench.broker.close();
        }
        bench.report();
        System.exit(0);
    }

    private void startGateway() throws Exception {
        int management = RealBroker.freePort();
        processes.add(Processes.java(
                folder.resolve("gateway.log"),
                Map.of(
                        "HTTP_PORT",
                        Integer.toString(http),
                        "MANAGEMENT_PORT",
                        Integer.toString(management),
                        "KAFKA_BOOTSTRAP_SERVERS",
                        broker.bootstrapServers()),
                "-Xmx192m",
                "-XX:+UseSerialGC",
                "-jar",
                Processes.artifact("gateway/target/sluice-gateway.jar")));
        long start = System.nanoTime();
        while (!Processes.isReady(management)) {
            pause(start, "the gateway is not ready");
        }
    }

    private void round(int round) throws Exception {
        Path log = folder.resolve("streaming-" + round + ".log");
        Seen seen = new Seen(log);
        Processes.post(http, event("first-" + round));
        long start = System.nanoTime();
        Process streaming = Processes.java(
                log,
                Map.of(
                        "KAFKA_BOOTSTRAP_SERVERS",
                        broker.bootstrapServers(),
                        "STREAMING_PORT",
                        Integer.toString(RealBroker.freePort()),
                        "CHECKPOINT_DIR",
                        folder.resolve("checkpoint-" + round).toUri().toString()),
                "-Xmx512m",
                "-XX:+UseSerialGC",
                "-jar",
                Processes.artifact("streaming/target/sluice-streaming.jar"));
        processes.add(streaming);
        seen.await(start, () -> seen.nanos.containsKey("first-" + round));
        firsts.add(seconds(seen.nanos.get("first-" + round) - start));
        trickle(round, seen);
        streaming.destroy();
        streaming.onExit().get(1, TimeUnit.MINUTES);
    }

    private void trickle(int round, Seen seen) throws Exception {
        Map<String, Long> posted = new HashMap<>();
        for (int i = 0; i < EVENTS; i++) {
            String type = "event-" + round + "-" + i;
            long start = System.nanoTime();
            posted.put(type, start);
            Processes.post(http, event(type));
            seen.await(start, () -> seconds(System.nanoTime() - start) * 1_000 > BETWEEN_MILLIS);
        }
        seen.await(System.nanoTime(), () -> seen.nanos.keySet().containsAll(posted.keySet()));
        List<Double> delays = posted.entrySet().stream()
                .map(event -> seconds(seen.nanos.get(event.getKey()) - event.getValue()))
                .sorted()
                .toList();
        medians.add(delays.get(EVENTS / 2));
        nearlyAll.add(delays.get(EVENTS * 95 / 100));
        System.out.printf(
                Locale.ROOT,
                "round %d of %d: first count after %.1f s, then shown after %.2f s (median), %.2f s (95 of 100)%n",
                round,
                ROUNDS,
                firsts.get(round - 1),
                medians.get(round - 1),
                nearlyAll.get(round - 1));
    }

    private void report() throws IOException {
        List<String> table =
                new ArrayList<>(List.of("| name | target | measured | spread | met |", "|---|---|---|---|---|"));
        List<String> json = new ArrayList<>();
        row(table, json, "first count after the start of streaming, s", 15, firsts);
        row(table, json, "POST to the count shown, median, s", 2, medians);
        row(table, json, "POST to the count shown, 95th percentile, s", 2, nearlyAll);
        Files.createDirectories(REPORT);
        Files.write(REPORT.resolve("freshness.md"), table);
        Files.writeString(REPORT.resolve("freshness.json"), "[" + String.join(",\n ", json) + "]\n");
        table.forEach(System.out::println);
        System.out.println("Medians of " + ROUNDS + " rounds of " + EVENTS + " events each, TRIGGER=1s, "
                + Runtime.getRuntime().availableProcessors() + " processors for all parts; also in " + REPORT);
    }

    private static void row(List<String> table, List<String> json, String name, double target, List<Double> rounds) {
        List<Double> sorted = rounds.stream().sorted().toList();
        double median = sorted.get(sorted.size() / 2);
        double least = sorted.get(0);
        double most = sorted.get(sorted.size() - 1);
        boolean met = median <= target;
        table.add(String.format(
                Locale.ROOT,
                "| %s | %.0f | %.2f | %.2f to %.2f | %s |",
                name,
                target,
                median,
                least,
                most,
                met ? "yes" : "no"));
        json.add(String.format(
                Locale.ROOT,
                "{\"name\":\"%s\",\"target\":%.0f,\"measured\":%.3f,\"spread\":[%.3f,%.3f],\"met\":%b}",
                name,
                target,
                median,
                least,
                most,
                met));
    }

    private static String event(String type) {
        return "{\"event_type\":\"" + type + "\"}";
    }

    private static double seconds(long nanos) {
        return nanos / 1e9;
    }

    private static void pause(long start, String trouble) throws InterruptedException {
        if (System.nanoTime() - start > PATIENCE.toNanos()) {
            throw new IllegalStateException(trouble);
        }
        TimeUnit.MILLISECONDS.sleep(5);
    }

    /** When each type was first seen on a console. */
    private static final class Seen {
        private final Path log;
        private final Map<String, Long> nanos = new HashMap<>();
        private final StringBuilder rest = new StringBuilder();
        private long read;

        Seen(Path log) {
            this.log = log;
        }

        /** Looks on until that holds. */
        void await(long start, BooleanSupplier holds) throws Exception {
            while (!holds.getAsBoolean()) {
                look();
                pause(start, "not all is counted; the log is " + log);
            }
        }

        private void look() throws IOException {
            if (Files.notExists(log)) {
                return;
            }
            try (SeekableByteChannel file = Files.newByteChannel(log)) {
                ByteBuffer more = ByteBuffer.allocate((int) (file.size() - read));
                file.position(read);
                file.read(more);
                read += more.position();
                rest.append(new String(more.array(), 0, more.position(), UTF_8));
            }
            int end = rest.lastIndexOf("\n") + 1;
            Matcher row = ROW.matcher(rest.substring(0, end));
            while (row.find()) {
                nanos.putIfAbsent(row.group(1), System.nanoTime());
            }
            rest.delete(0, end);
        }
    }
}
