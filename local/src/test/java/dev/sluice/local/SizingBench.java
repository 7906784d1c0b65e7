package dev.sluice.local;

import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** How cost grows: with connections, with partitions, and with what is on the way to Kafka. */
final class SizingBench {
    private static final List<Integer> CONNECTIONS = List.of(64, 512, 4_096, 10_000);
    private static final List<Integer> PARTITIONS = List.of(1, 2, 4);
    private static final int SECONDS = 10;
    private static final int BACKLOG = 4_000_000;
    private static final int SENDERS = 512;

    /** Requests a second, less than 64 connections can bring that wait for a batch of records. */
    private static final int RATE = 8_000;

    private static final double MIB = 1 << 20;

    /** Of the default budget of 24 MiB, most of what the senders can have under way at once. */
    private static final double MUCH = 10 * MIB;

    private final BenchReport report;
    private final Path folder;
    private final RealBroker broker;
    private final Wrk wrk;

    SizingBench(BenchReport report, Path folder, RealBroker broker) {
        this.report = report;
        this.folder = folder;
        this.broker = broker;
        this.wrk = new Wrk(folder);
    }

    void run(int rounds) throws Exception {
        RealTopics.create(broker, Bench.PARTITIONS, "events");
        for (int partitions : PARTITIONS) {
            RealTopics.create(broker, partitions, "events-" + partitions, "backlog-" + partitions);
        }
        for (int partitions : PARTITIONS) {
            DrainBench.produce(broker, "backlog-" + partitions, BACKLOG);
        }
        for (int round = 1; round <= rounds; round++) {
            System.out.printf("sizing, round %d of %d%n", round, rounds);
            connections();
            for (int partitions : PARTITIONS) {
                partitions(round, partitions);
            }
            memory();
        }
    }

    private Process gateway(int port, int managementPort, Map<String, String> settings) throws Exception {
        return Bench.gateway(
                folder, port, managementPort, broker, settings, Processes.shared(Processes.GATEWAY_ARCHIVE));
    }

    /** The same rate from each: what more connections cost, where they bring no more requests. */
    private void connections() throws Exception {
        int port = RealBroker.freePort();
        Process gateway = gateway(
                port, RealBroker.freePort(), Map.of("MAX_CONNECTIONS", "12000", "MAX_PEER_CONNECTIONS", "12000"));
        try {
            Measured measured = new Measured(gateway);
            wrk.post(port, SENDERS, 2 * SECONDS, "application/json", HttpBench.EVENT, 0);
            for (int connections : CONNECTIONS) {
                int pause = HttpBench.pauseMillis(connections, RATE);
                double cpu = measured.cpuSeconds();
                Wrk.Result result = wrk.post(port, connections, SECONDS, "application/json", HttpBench.EVENT, pause);
                cpu = measured.cpuSeconds() - cpu;
                HttpBench.noErrors(result);
                String with = connections + " connections, ";
                report.add(with + "requests/s", result.perSecond());
                report.add(with + "CPU per request, µs", cpu * 1e6 / result.requests());
                report.add(with + "p99 latency, ms", result.p99Millis());
                report.add(with + "resident memory of the gateway, MiB", measured.residentBytes() / MIB);
            }
        } finally {
            gateway.destroyForcibly().onExit().join();
        }
    }

    private void partitions(int round, int partitions) throws Exception {
        String of = partitions + (partitions == 1 ? " partition, " : " partitions, ");
        int port = RealBroker.freePort();
        Process gateway = gateway(port, RealBroker.freePort(), Map.of("EVENTS_TOPIC", "events-" + partitions));
        try {
            Measured measured = new Measured(gateway);
            wrk.post(port, SENDERS, 2 * SECONDS, "application/json", HttpBench.EVENT, 0);
            double cpu = measured.cpuSeconds();
            Wrk.Result result = wrk.post(port, SENDERS, SECONDS, "application/json", HttpBench.EVENT, 0);
            cpu = measured.cpuSeconds() - cpu;
            HttpBench.noErrors(result);
            report.add(of + "gateway, requests/s", result.perSecond());
            report.add(of + "gateway, CPU per request, µs", cpu * 1e6 / result.requests());
        } finally {
            gateway.destroyForcibly().onExit().join();
        }
        DrainBench.Drain drain = DrainBench.streaming(folder, broker, "backlog-" + partitions, BACKLOG, round);
        report.add(of + "streaming, records/s", drain.perSecond());
        report.add(of + "streaming, CPU s per million", drain.cpuPerMillion());
    }

    /** The heap that is in use, after a collection, with no event under way and with what fits of batches. */
    private void memory() throws Exception {
        int port = RealBroker.freePort();
        int management = RealBroker.freePort();
        Process gateway = gateway(port, management, Map.of());
        try {
            Measured measured = new Measured(gateway);
            wrk.post(port, SENDERS, SECONDS, "application/json", HttpBench.EVENT, 0);
            long idle = measured.usedHeapBytes();
            broker.signal("STOP");
            Thread load = new Thread(() -> {
                try {
                    wrk.post(port, SENDERS, SECONDS, "application/x-ndjson", HttpBench.EVENTS, 0);
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            });
            load.start();
            Processes.await(
                    () -> Processes.metric(management, "sluice_in_flight_bytes") > MUCH,
                    gateway,
                    folder.resolve("gateway.log"));
            double inFlight = Processes.metric(management, "sluice_in_flight_bytes");
            long full = measured.usedHeapBytes();
            broker.signal("CONT");
            load.join();
            report.add("heap of an idle gateway, MiB", idle / MIB);
            report.add("in flight, MiB", inFlight / MIB);
            report.add("heap per MiB in flight, MiB", (full - idle) / inFlight);
        } finally {
            broker.signal("CONT");
            gateway.destroyForcibly().onExit().join();
        }
    }
}
