package dev.sluice.local;

import static dev.sluice.local.BenchReport.Bound.AT_LEAST;
import static dev.sluice.local.BenchReport.Bound.AT_MOST;

import dev.sluice.events.CountRecord;
import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * What readers of the stream of counts cost those who send events: the same gateway with many and with none, in turn. As with
 * streaming's trigger of a second, the counts of each type change once a second.
 */
final class ReadersBench {
    private static final int READERS = 1_000;
    private static final int CONNECTIONS = 512;
    private static final int SECONDS = 15;
    private static final int TYPES = 20;
    private static final long POLL_MILLIS = 50;

    private final BenchReport report;
    private final Path folder;
    private final RealBroker broker;
    private final Wrk wrk;
    private final int port = RealBroker.freePort();
    private final int managementPort = RealBroker.freePort();

    ReadersBench(BenchReport report, Path folder, RealBroker broker) {
        this.report = report;
        this.folder = folder;
        this.broker = broker;
        this.wrk = new Wrk(folder);
    }

    void run(int rounds) throws Exception {
        RealTopics.create(broker, Bench.PARTITIONS, "events");
        RealTopics.create(broker, 1, "event-counts");
        Process gateway = Bench.gateway(
                folder, port, managementPort, broker, Map.of(), Processes.shared(Processes.GATEWAY_ARCHIVE));
        ScheduledExecutorService counts = Executors.newSingleThreadScheduledExecutor();
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.bootstrapServers()),
                new StringSerializer(),
                new StringSerializer())) {
            counts.scheduleAtFixedRate(() -> publish(producer), 0, 1, TimeUnit.SECONDS);
            Measured measured = new Measured(gateway);
            // the code that is measured has been compiled
            load(measured);
            withReaders(measured);
            for (int round = 1; round <= rounds; round++) {
                System.out.printf("readers, round %d of %d%n", round, rounds);
                Load none = load(measured);
                Load many = withReaders(measured);
                report.add("without readers, requests/s", none.perSecond);
                report.add("with 1,000 readers of counts, requests/s", many.perSecond);
                report.add(
                        "1,000 readers of counts: requests/s against none",
                        AT_LEAST,
                        0.9,
                        many.perSecond / none.perSecond);
                report.add(
                        "1,000 readers of counts: CPU per request against none",
                        AT_MOST,
                        1.1,
                        many.cpuMicros / none.cpuMicros);
            }
        } finally {
            counts.shutdownNow();
            gateway.destroyForcibly().onExit().join();
        }
    }

    private record Load(double perSecond, double cpuMicros) {}

    private Load load(Measured gateway) throws Exception {
        double cpu = gateway.cpuSeconds();
        Wrk.Result result = wrk.post(port, CONNECTIONS, SECONDS, "application/json", HttpBench.EVENT, 0);
        cpu = gateway.cpuSeconds() - cpu;
        HttpBench.noErrors(result);
        return new Load(result.perSecond(), cpu * 1e6 / result.requests());
    }

    private Load withReaders(Measured gateway) throws Exception {
        try (CountsReaders readers = new CountsReaders(managementPort, READERS)) {
            awaitReaders(gateway.process(), READERS);
            long before = readers.bytes();
            Load load = load(gateway);
            if (Processes.metric(managementPort, "sluice_counts_readers") != READERS || readers.bytes() == before) {
                throw new IllegalStateException("not all readers were told of changes");
            }
            report.fact("read by each reader", (readers.bytes() - before) / READERS / SECONDS + " bytes/s");
            return load;
        } finally {
            awaitReaders(gateway.process(), 0);
        }
    }

    private void awaitReaders(Process gateway, int readers) throws Exception {
        Processes.await(
                () -> Processes.metric(managementPort, "sluice_counts_readers") == readers,
                gateway,
                folder.resolve("gateway.log"),
                POLL_MILLIS);
    }

    private static void publish(KafkaProducer<String, String> producer) {
        Instant start = Instant.now().truncatedTo(ChronoUnit.MINUTES);
        String end = start.plusSeconds(60).toString();
        for (int type = 0; type < TYPES; type++) {
            producer.send(new ProducerRecord<>(
                    "event-counts",
                    CountRecord.key(start.toString(), end, "counted", "type_" + type),
                    "{\"window_start\":\"" + start + "\",\"window_end\":\"" + end + "\",\"event_type\":\"type_" + type
                            + "\",\"outcome\":\"counted\",\"count\":" + System.nanoTime() / 1_000 + ",\"batch\":1}"));
        }
    }
}
