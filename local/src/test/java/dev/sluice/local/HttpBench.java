package dev.sluice.local;

import static dev.sluice.local.BenchReport.Bound.AT_LEAST;
import static dev.sluice.local.BenchReport.Bound.AT_MOST;

import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The gateway against what bounds it: a bare Vert.x server that reads a body and answers 202, and Kafka's own producer
 * performance tool. All of them, the broker and the client share the machine; each round runs all of them in turn.
 */
final class HttpBench {
    private static final int EVENT_BYTES = 120;
    private static final Random RANDOM = new Random(1);
    static final String EVENT = event();
    /** Each of other bytes: what is sent again and again would be compressed to nothing. */
    static final String EVENTS = events();

    private static final int TOOL_RECORDS_PER_SECOND = 400_000;
    private static final int BATCH = 100;
    private static final int BATCH_CONNECTIONS = 64;
    private static final int CONNECTIONS = 512;
    private static final int LINGER_MILLIS = 2;

    private final BenchReport report;
    private final Path folder;
    private final RealBroker broker;
    private final Wrk wrk;
    private final int seconds;
    private final int barePort = RealBroker.freePort();
    private final int port = RealBroker.freePort();
    private final List<Process> processes = new ArrayList<>();

    /** @param seconds of each run */
    HttpBench(BenchReport report, Path folder, RealBroker broker, int seconds) {
        this.report = report;
        this.folder = folder;
        this.broker = broker;
        this.seconds = seconds;
        this.wrk = new Wrk(folder);
    }

    void run(int rounds) throws Exception {
        RealTopics.create(broker, Bench.PARTITIONS, "events", "limit");
        try {
            Measured bare = new Measured(bare());
            Measured gateway = new Measured(gateway());
            // the code that is measured has been compiled
            wrk.post(barePort, CONNECTIONS, seconds, "application/json", EVENT, 0);
            wrk.post(port, CONNECTIONS, 2 * seconds, "application/json", EVENT, 0);
            wrk.post(port, BATCH_CONNECTIONS, seconds, "application/x-ndjson", EVENTS, 0);
            for (int round = 1; round <= rounds; round++) {
                System.out.printf("gateway, round %d of %d%n", round, rounds);
                round(bare, gateway);
            }
        } finally {
            processes.forEach(process -> process.destroyForcibly().onExit().join());
        }
    }

    private void round(Measured bare, Measured gateway) throws Exception {
        Use ofBare = use(bare, barePort);
        Use ofGateway = use(gateway, port);
        report.add("bare server, requests/s", ofBare.result.perSecond());
        report.add("gateway, requests/s", ofGateway.result.perSecond());
        report.add("bare server, CPU per request, µs", ofBare.cpuMicros());
        report.add("gateway, CPU per request, µs", ofGateway.cpuMicros());
        report.add(
                "single events: requests/s against the bare server",
                AT_LEAST,
                0.8,
                ofGateway.result.perSecond() / ofBare.result.perSecond());
        report.add(
                "single events: CPU per request against the bare server",
                AT_MOST,
                1.35,
                ofGateway.cpuMicros() / ofBare.cpuMicros());
        report.add(
                "single events: bytes allocated beyond the bare server's",
                AT_MOST,
                1024,
                ofGateway.allocatedBytes() - ofBare.allocatedBytes());
        latency(ofGateway.result.perSecond() / 2);
        batches(gateway);
    }

    private void latency(double perSecond) throws Exception {
        int pause = pauseMillis(CONNECTIONS, perSecond);
        Wrk.Result half = wrk.post(port, CONNECTIONS, seconds, "application/json", EVENT, pause);
        noErrors(half);
        report.add("requests/s at about half of the maximum", half.perSecond());
        report.add("median latency at half of the maximum, ms", half.p50Millis());
        report.add("p99 latency at half of the maximum, ms", AT_MOST, LINGER_MILLIS + 5, half.p99Millis());
    }

    /** How long each of so many connections is to wait behind an answer for about that rate of all. */
    static int pauseMillis(int connections, double perSecond) {
        return (int) Math.max(1, Math.round(1_000 * connections / perSecond) - LINGER_MILLIS);
    }

    private void batches(Measured gateway) throws Exception {
        double limit = kafka();
        double before = gateway.cpuSeconds();
        Wrk.Result batches = wrk.post(port, BATCH_CONNECTIONS, seconds, "application/x-ndjson", EVENTS, 0);
        double cpu = gateway.cpuSeconds() - before;
        noErrors(batches);
        report.add("Kafka's producer performance tool, records/s", limit);
        report.add("batches of 100, events/s", batches.perSecond() * BATCH);
        report.add("batches of 100, CPU per event, µs", cpu * 1e6 / batches.requests() / BATCH);
        report.add(
                "batches of 100: events/s against Kafka's producer",
                AT_LEAST,
                0.6,
                batches.perSecond() * BATCH / limit);
    }

    /** Of one run. */
    private record Use(Wrk.Result result, double cpuSeconds, double allocated) {
        double cpuMicros() {
            return cpuSeconds * 1e6 / result.requests();
        }

        double allocatedBytes() {
            return allocated / result.requests();
        }
    }

    private Use use(Measured process, int at) throws Exception {
        long allocated = process.allocatedBytes();
        double cpu = process.cpuSeconds();
        Wrk.Result result = wrk.post(at, CONNECTIONS, seconds, "application/json", EVENT, 0);
        cpu = process.cpuSeconds() - cpu;
        noErrors(result);
        return new Use(result, cpu, process.allocatedBytes() - allocated);
    }

    /** Records a second of Kafka's own tool, with the records, the promise and the settings of the gateway's. */
    private double kafka() throws Exception {
        Process tool = new ProcessBuilder(
                        "java",
                        "-Xmx256m",
                        "-cp",
                        Processes.artifact("local/target/tools/*") + ":" + Processes.artifact("local/target/lib/*"),
                        "org.apache.kafka.tools.ProducerPerformance",
                        "--topic",
                        "limit",
                        "--num-records",
                        Integer.toString(seconds * TOOL_RECORDS_PER_SECOND),
                        "--payload-file",
                        Files.writeString(folder.resolve("events"), EVENTS).toString(),
                        "--throughput",
                        "-1",
                        "--bootstrap-server",
                        broker.bootstrapServers(),
                        "--command-property",
                        "acks=all",
                        "linger.ms=" + LINGER_MILLIS,
                        "batch.size=65536",
                        "compression.type=lz4")
                .redirectErrorStream(true)
                .start();
        String output = new String(tool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        Matcher last = Pattern.compile(", ([\\d.,]+) records/sec").matcher(output);
        double perSecond = 0;
        while (last.find()) {
            perSecond = Double.parseDouble(last.group(1).replace(",", ""));
        }
        if (tool.waitFor() != 0 || perSecond == 0) {
            throw new IOException("Kafka's tool failed:\n" + output);
        }
        return perSecond;
    }

    private Process bare() throws Exception {
        Process bare = Processes.java(
                folder.resolve("bare.log"),
                Map.of(),
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-cp",
                Processes.artifact("gateway/target/test-classes") + ":"
                        + Processes.artifact("gateway/target/sluice-gateway.jar"),
                "dev.sluice.gateway.BareServer",
                Integer.toString(barePort));
        processes.add(bare);
        Processes.await(() -> RealBroker.accepts(barePort), bare, folder.resolve("bare.log"));
        return bare;
    }

    private Process gateway() throws Exception {
        long start = System.nanoTime();
        Process gateway = Bench.gateway(
                folder, port, RealBroker.freePort(), broker, Map.of(), Processes.shared(Processes.GATEWAY_ARCHIVE));
        processes.add(gateway);
        report.add("gateway ready after its start, s", AT_MOST, 1, (System.nanoTime() - start) / 1e9);
        report.fact("gateway's heap", "128 MiB");
        return gateway;
    }

    static void noErrors(Wrk.Result result) {
        if (result.errors() > 0) {
            throw new IllegalStateException(result.errors() + " requests were not answered with 202");
        }
    }

    private static String events() {
        return Stream.generate(HttpBench::event).limit(BATCH).collect(Collectors.joining("\n", "", "\n"));
    }

    private static String event() {
        String event = "{\"event_type\":\"user_click\",\"timestamp\":" + System.currentTimeMillis()
                + ",\"params\":{\"page\":\"/products/17\",\"key\":\"%s\"}}";
        byte[] noise = new byte[EVENT_BYTES];
        RANDOM.nextBytes(noise);
        String key = HexFormat.of().formatHex(noise).substring(0, EVENT_BYTES + 2 - event.length());
        return String.format(Locale.ROOT, event, key);
    }
}
