package dev.sluice.peers;

import java.nio.file.Files;
import java.util.Properties;
import java.util.UUID;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowBytesStoreSupplier;

/** The count in the DSL of Kafka Streams, its windows in memory, without a changelog. */
final class StreamsCount {
    private static final byte[] NOTHING = {1};

    /** A negative time, with which Kafka Streams leaves a record out. */
    private static final long MALFORMED = -1;

    private StreamsCount() {}

    static void run(Job job) throws Exception {
        StreamsBuilder builder = new StreamsBuilder();
        Serde<Event> events = Serdes.serdeFrom(
                (topic, event) -> {
                    throw new UnsupportedOperationException("events are only read");
                },
                (topic, bytes) -> EventJson.read(bytes));
        WindowBytesStoreSupplier store =
                Stores.inMemoryWindowStore("counts", Job.WINDOW.plus(Job.LATENESS), Job.WINDOW, false);
        builder.stream(
                        job.topic(),
                        Consumed.with(Serdes.Bytes(), events)
                                .withTimestampExtractor((row, partitionTime) ->
                                        row.value() instanceof Event event ? event.timestamp : MALFORMED))
                // the time travels with the record: nothing else of the event is needed behind the topic of the groups
                .map((key, event) -> KeyValue.pair(event.type, NOTHING))
                .groupByKey(Grouped.with(Serdes.String(), Serdes.ByteArray()))
                .windowedBy(TimeWindows.ofSizeAndGrace(Job.WINDOW, Job.LATENESS))
                .count(Materialized.<String, Long>as(store)
                        .withKeySerde(Serdes.String())
                        .withValueSerde(Serdes.Long())
                        .withLoggingDisabled())
                .toStream()
                .foreach((window, count) -> System.out.println(window + " " + count));
        KafkaStreams streams = new KafkaStreams(builder.build(), properties(job));
        streams.setUncaughtExceptionHandler(failure -> {
            failure.printStackTrace();
            System.exit(1);
            throw new IllegalStateException(failure);
        });
        streams.start();
    }

    private static Properties properties(Job job) throws Exception {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "streams-" + UUID.randomUUID());
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, job.servers());
        properties.put(
                StreamsConfig.STATE_DIR_CONFIG,
                Files.createTempDirectory("streams").toString());
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, job.threads());
        job.consumer().forEach((name, value) -> properties.put(StreamsConfig.mainConsumerPrefix(name), value));
        properties.put(StreamsConfig.mainConsumerPrefix(Rows.GROUPS), "true");
        properties.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        properties.put(StreamsConfig.producerPrefix("batch.size"), 200_000);
        properties.put(StreamsConfig.producerPrefix("compression.type"), "lz4");
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1_000);
        properties.put(StreamsConfig.topicPrefix("retention.bytes"), "-1");
        return properties;
    }
}
