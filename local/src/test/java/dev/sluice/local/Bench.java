package dev.sluice.local;

import dev.sluice.events.RealBroker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * {@code make bench} and {@code make bench-quick}: what the parts do against what bounds them, each a process of its own,
 * on the machine that they share.
 */
final class Bench {
    static final int PARTITIONS = 4;

    private Bench() {}

    /**
     * Ends with status 1 where the quick form finds a ratio far outside of those that are kept.
     *
     * @param arguments {@code quick}; {@code keep}, to keep its ratios; and the parts, all where none is named
     */
    public static void main(String[] arguments) throws Exception {
        List<String> named = List.of(arguments);
        boolean quick = named.contains("quick");
        List<String> parts = named.stream()
                .filter(part -> !part.equals("quick") && !part.equals("keep"))
                .toList();
        BenchReport report = new BenchReport(quick ? "quick" : "bench");
        if (parts.isEmpty() || parts.contains("gateway")) {
            withBroker((folder, broker) -> new HttpBench(report, folder, broker, quick ? 5 : 15).run(quick ? 2 : 3));
        }
        if (parts.isEmpty() || parts.contains("streaming")) {
            withBroker((folder, broker) ->
                    new DrainBench(report, folder, broker, quick ? 2_000_000 : 10_000_000, !quick).run(quick ? 1 : 5));
        }
        if (parts.isEmpty() || parts.contains("freshness")) {
            withBroker((folder, broker) -> new FreshnessBench(report, folder, broker).run(quick ? 1 : 3));
        }
        if (parts.contains("sizing") || (parts.isEmpty() && !quick)) {
            withBroker((folder, broker) -> new SizingBench(report, folder, broker).run(2));
        }
        if (parts.contains("ids") || (parts.isEmpty() && !quick)) {
            withBroker((folder, broker) -> new IdsBench(report, folder, broker).run(3));
        }
        if (parts.contains("readers") || (parts.isEmpty() && !quick)) {
            withBroker((folder, broker) -> new ReadersBench(report, folder, broker).run(5));
        }
        if (parts.contains("offload") || (parts.isEmpty() && !quick)) {
            Path folder = Files.createTempDirectory("sluice-bench");
            new OffloadBench(report, folder).run();
            delete(folder);
        }
        report.write();
        System.exit(quick && !isAsKept(report, named.contains("keep")) ? 1 : 0);
    }

    private static boolean isAsKept(BenchReport report, boolean keep) throws IOException {
        System.out.println();
        Baseline baseline = Baseline.read();
        List<String> far = baseline.compare(report.ratios());
        if (keep) {
            baseline.keep(report.ratios());
        } else if (!far.isEmpty()) {
            System.out.println("\nFar outside of what is kept: " + String.join("; ", far)
                    + ". Is that what the change was to do? Then KEEP=1 make bench-quick keeps it.");
        }
        return keep || far.isEmpty();
    }

    /** A part of the whole, on a broker of its own. */
    interface Part {
        void run(Path folder, RealBroker broker) throws Exception;
    }

    static void withBroker(Part part) throws Exception {
        Path folder = Files.createTempDirectory("sluice-bench");
        try (RealBroker broker = RealBroker.startLarge(folder.resolve("kafka"))) {
            part.run(folder, broker);
        }
        delete(folder);
    }

    /** A gateway with the heap that it is promised to do with. */
    static Process gateway(
            Path folder, int port, int managementPort, RealBroker broker, Map<String, String> settings, String option)
            throws Exception {
        return Processes.gateway(
                folder.resolve("gateway.log"),
                port,
                managementPort,
                broker.bootstrapServers(),
                settings,
                "",
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-XX:+ExitOnOutOfMemoryError",
                option);
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(each);
            }
        }
    }
}
