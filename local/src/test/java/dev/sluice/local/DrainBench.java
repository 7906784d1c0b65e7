package dev.sluice.local;

import static dev.sluice.local.BenchReport.Bound.AT_LEAST;
import static dev.sluice.local.BenchReport.Bound.AT_MOST;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * How fast streaming works off a backlog of records without ids, against Spark reading the same records and doing
 * nothing; and, in the long form, against the same count by Kafka Streams and
 * Flink. Each is a new process in each round, and measured over the second half of the records, once its code is compiled.
 */
final class DrainBench {
    private static final String TOPIC = "events";
    private static final int TYPES = 20;
    private static final int AGE_MILLIS = 300_000;
    private static final int SOURCE_BATCHES = 8;
    private static final long POLL_MILLIS = 50;
    private static final Pattern ROWS = Pattern.compile("ROWS (\\d+)");

    private final BenchReport report;
    private final Path folder;
    private final RealBroker broker;
    private final int records;
    private final boolean withPeers;

    /** @param withPeers the long form */
    DrainBench(BenchReport report, Path folder, RealBroker broker, int records, boolean withPeers) {
        this.report = report;
        this.folder = folder;
        this.broker = broker;
        this.records = records;
        this.withPeers = withPeers;
    }

    void run(int rounds) throws Exception {
        RealTopics.create(broker, Bench.PARTITIONS, TOPIC);
        produce(broker, TOPIC, records);
        report.fact("backlog", records + " records of about 120 bytes in 4 partitions");
        for (int round = 1; round <= rounds; round++) {
            System.out.printf("streaming, round %d of %d%n", round, rounds);
            Drain limit = query(folder, broker, "source", records, round);
            Drain ours = streaming(folder, broker, TOPIC, records, round);
            add("Spark's source alone", limit);
            add("streaming", ours);
            report.add(
                    "streaming: records/s against Spark's source alone",
                    AT_LEAST,
                    0.5,
                    ours.perSecond / limit.perSecond);
            report.add("streaming: CPU s per million events", AT_MOST, 4, ours.cpuPerMillion);
            if (withPeers) {
                peers(round, ours);
            }
        }
    }

    private void peers(int round, Drain ours) throws Exception {
        peer("kafka-streams", "Kafka Streams", 1.5, round, ours);
        peer("flink-sql", "Flink SQL", 1, round, ours);
        peer("flink", "Flink DataStream", 0.75, round, ours);
    }

    private void peer(String job, String name, double target, int round, Drain ours) throws Exception {
        Path log = folder.resolve(job + "-" + round + ".log");
        Process process = Processes.java(
                log,
                Map.of(),
                "-Xmx1g",
                "-XX:+UseParallelGC",
                "--add-opens=java.base/java.lang=ALL-UNNAMED",
                "--add-opens=java.base/java.util=ALL-UNNAMED",
                "-cp",
                Processes.artifact("local/peers/target/sluice-peers.jar") + ":"
                        + Processes.artifact("local/peers/target/lib/*"),
                "dev.sluice.peers.Main",
                job,
                broker.bootstrapServers(),
                TOPIC);
        Drain drain = measure(process, log, records, () -> lastRows(log));
        add(name, drain);
        report.add("streaming: records/s against " + name, AT_LEAST, target, ours.perSecond / drain.perSecond);
    }

    private void add(String name, Drain drain) {
        report.add(name + ", records/s", drain.perSecond);
        report.add(name + ", CPU s per million", drain.cpuPerMillion);
    }

    /** Of the second half of the records. */
    record Drain(double perSecond, double cpuPerMillion) {}

    private interface Count {
        long rows() throws Exception;
    }

    /** A query of streaming's module, from the first of {@code records} records of the topic. */
    static Drain query(Path folder, RealBroker broker, String name, int records, int round) throws Exception {
        Path log = folder.resolve(name + "-" + round + ".log");
        List<String> arguments = new ArrayList<>(List.of("-Xmx512m", "-Xmn200m", "-XX:+UseSerialGC"));
        arguments.addAll(opens());
        arguments.addAll(List.of(
                "-cp",
                Processes.artifact("streaming/target/test-classes") + ":"
                        + Processes.artifact("streaming/target/sluice-streaming.jar"),
                "dev.sluice.streaming.BenchQuery",
                name,
                Integer.toString(records / SOURCE_BATCHES)));
        Process process = Processes.java(
                log,
                Map.of(
                        "KAFKA_BOOTSTRAP_SERVERS",
                        broker.bootstrapServers(),
                        "STARTING_OFFSETS",
                        "earliest",
                        "CHECKPOINT_DIR",
                        folder.resolve(name + "-" + round).toUri().toString()),
                arguments.toArray(String[]::new));
        return measure(process, log, records, () -> lastRows(log));
    }

    /** Streaming, from the first of {@code records} records of a topic. */
    static Drain streaming(Path folder, RealBroker broker, String topic, int records, int round) throws Exception {
        String name = "streaming-" + topic + "-" + round;
        Path log = folder.resolve(name + ".log");
        int port = RealBroker.freePort();
        Process process = Processes.streaming(
                log,
                port,
                broker.bootstrapServers(),
                folder.resolve(name),
                Map.of("STARTING_OFFSETS", "earliest", "EVENTS_TOPIC", topic));
        return measure(process, log, records, () -> read(port));
    }

    /** How many records the streaming on that port has read. */
    static long read(int managementPort) throws Exception {
        try {
            return (long) Processes.metric(managementPort, "sluice_records_read_total");
        } catch (IOException notYet) {
            return 0;
        }
    }

    private static Drain measure(Process process, Path log, int records, Count count) throws Exception {
        try {
            Measured measured = new Measured(process);
            Processes.await(() -> count.rows() >= records / 2, process, log, POLL_MILLIS);
            long rows = count.rows();
            long start = System.nanoTime();
            double cpu = measured.cpuSeconds();
            Processes.await(() -> count.rows() >= records, process, log, POLL_MILLIS);
            double seconds = (System.nanoTime() - start) / 1e9;
            cpu = measured.cpuSeconds() - cpu;
            return new Drain((records - rows) / seconds, cpu * 1e6 / (records - rows));
        } finally {
            process.destroyForcibly().onExit().join();
        }
    }

    private static long lastRows(Path log) throws IOException {
        long rows = 0;
        Matcher each = ROWS.matcher(Processes.text(log));
        while (each.find()) {
            rows = Long.parseLong(each.group(1));
        }
        return rows;
    }

    /** What Spark needs opened of the JDK, as the artifact says it. */
    private static List<String> opens() throws IOException {
        try (JarFile jar = new JarFile(Processes.artifact("streaming/target/sluice-streaming.jar"))) {
            return Stream.of(jar.getManifest()
                            .getMainAttributes()
                            .getValue("Add-Opens")
                            .split(" "))
                    .map(opened -> "--add-opens=" + opened + "=ALL-UNNAMED")
                    .toList();
        }
    }

    /** Stores so many records of the last five minutes, without ids, of about 120 bytes. */
    static void produce(RealBroker broker, String topic, int records) {
        System.out.printf("storing %d records%n", records);
        Random random = new Random(1);
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", broker.bootstrapServers(), "linger.ms", 20, "batch.size", 200_000),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            for (int i = 0; i < records; i++) {
                String event = "{\"event_type\":\"type_" + random.nextInt(TYPES) + "\",\"timestamp\":"
                        + (System.currentTimeMillis() - random.nextInt(AGE_MILLIS))
                        + ",\"params\":{\"key\":\"value" + random.nextInt(1_000) + "\",\"page\":\"/products/17\"}}";
                producer.send(new ProducerRecord<>(topic, event.getBytes(UTF_8)));
            }
        }
    }
}
