package dev.sluice.local;

import static dev.sluice.local.BenchReport.Bound.AT_MOST;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How long it takes until a count shows. In each round streaming is started anew: the first figure is the time from its
 * start to the first count on its console. Then, beside a steady load that has run for half a minute, a trickle is sent, each event of a type of its own,
 * so that the row that shows it can be told: the second figure is the time from the start of its POST to that row.
 */
final class FreshnessBench {
    private static final int EVENTS = 100;
    private static final long BETWEEN_MILLIS = 310;
    private static final int LOAD = 2_000;
    private static final int LOAD_CONNECTIONS = 16;
    private static final int WARM_UP_SECONDS = 30;
    private static final Pattern ROW = Pattern.compile("\\|([^|\\s]+) *\\|counted");

    private final BenchReport report;
    private final Path folder;
    private final RealBroker broker;
    private final int http = RealBroker.freePort();
    private final List<Process> processes = new ArrayList<>();

    FreshnessBench(BenchReport report, Path folder, RealBroker broker) {
        this.report = report;
        this.folder = folder;
        this.broker = broker;
    }

    void run(int rounds) throws Exception {
        RealTopics.create(broker, Bench.PARTITIONS, "events");
        try {
            processes.add(Bench.gateway(
                    folder,
                    http,
                    RealBroker.freePort(),
                    broker,
                    Map.of(),
                    Processes.shared(Processes.GATEWAY_ARCHIVE)));
            for (int round = 1; round <= rounds; round++) {
                System.out.printf("freshness, round %d of %d%n", round, rounds);
                round(round);
            }
        } finally {
            processes.forEach(process -> process.destroyForcibly().onExit().join());
        }
    }

    private void round(int round) throws Exception {
        Path log = folder.resolve("streaming-" + round + ".log");
        Seen seen = new Seen(log);
        Processes.post(http, event("first-" + round));
        long start = System.nanoTime();
        Process streaming = Processes.streaming(
                log, RealBroker.freePort(), broker.bootstrapServers(), folder.resolve("checkpoint-" + round), Map.of());
        processes.add(streaming);
        seen.await(streaming, () -> seen.nanos.containsKey("first-" + round));
        report.add(
                "first count after the start of streaming, s",
                AT_MOST,
                10,
                seconds(seen.nanos.get("first-" + round) - start));
        try (Ledger load = new Ledger(List.of(http), LOAD_CONNECTIONS)) {
            load.pace(LOAD);
            long warm = System.nanoTime();
            seen.await(streaming, () -> seconds(System.nanoTime() - warm) > WARM_UP_SECONDS);
            int before = load.acknowledged();
            long since = System.nanoTime();
            trickle(round, seen, streaming);
            report.add(
                    "events/s meanwhile, each with an id",
                    (load.acknowledged() - before) / seconds(System.nanoTime() - since));
        }
        streaming.destroy();
        streaming.onExit().get(1, TimeUnit.MINUTES);
    }

    private void trickle(int round, Seen seen, Process streaming) throws Exception {
        Map<String, Long> posted = new HashMap<>();
        for (int i = 0; i < EVENTS; i++) {
            String type = "event-" + round + "-" + i;
            long start = System.nanoTime();
            posted.put(type, start);
            Processes.post(http, event(type));
            seen.await(streaming, () -> seconds(System.nanoTime() - start) * 1_000 > BETWEEN_MILLIS);
        }
        seen.await(streaming, () -> seen.nanos.keySet().containsAll(posted.keySet()));
        List<Double> delays = posted.entrySet().stream()
                .map(event -> seconds(seen.nanos.get(event.getKey()) - event.getValue()))
                .sorted()
                .toList();
        report.add("POST to the count shown, median, s", delays.get(EVENTS / 2));
        report.add("POST to the count shown, 95th percentile, s", AT_MOST, 1.5, delays.get(EVENTS * 95 / 100));
    }

    private static String event(String type) {
        return "{\"event_type\":\"" + type + "\"}";
    }

    private static double seconds(long nanos) {
        return nanos / 1e9;
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
        void await(Process streaming, BooleanSupplier holds) throws Exception {
            Processes.await(
                    () -> {
                        look();
                        return holds.getAsBoolean();
                    },
                    streaming,
                    log);
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
