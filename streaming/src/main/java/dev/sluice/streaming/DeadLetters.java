package dev.sluice.streaming;

import java.io.Serializable;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/**
 * The topic that gets each record that is not counted: its value and its key as they are, and in headers its trace, what
 * became of it and where it stands. Tasks write at least once what they find; topic, partition and offset tell a letter from its
 * repetition.
 *
 * @param topic empty for none
 * @param producer settings of Kafka's producer
 */
record DeadLetters(String topic, Map<String, String> producer) implements Serializable {
    private static final long serialVersionUID = 1;

    static final DeadLetters NONE = new DeadLetters("", Map.of());

    static final String REASON = "sluice-reason";
    static final String TOPIC = "sluice-topic";
    static final String PARTITION = "sluice-partition";
    static final String OFFSET = "sluice-offset";
    static final String RECEIVED = "sluice-received";

    /** A record's own headers that go with it: where it is in a trace. */
    static final List<String> TRACE = List.of("traceparent", "tracestate");

    static final String HEADERS = "headers";

    /** The columns of Kafka's source that a letter is made of, but for the timestamp. */
    private static final StructType RECORD = new StructType()
            .add("key", DataTypes.BinaryType)
            .add("value", DataTypes.BinaryType)
            .add("topic", DataTypes.StringType)
            .add("partition", DataTypes.IntegerType)
            .add("offset", DataTypes.LongType)
            .add(
                    HEADERS,
                    DataTypes.createArrayType(
                            new StructType().add("key", DataTypes.StringType).add("value", DataTypes.BinaryType)));

    /** Of a row with a record's columns: where the record stands. */
    static final Comparator<Row> PLACE = Comparator.<Row, String>comparing(row -> row.getAs("topic"))
            .thenComparing(row -> row.<Integer>getAs("partition"))
            .thenComparing(row -> row.<Long>getAs("offset"));

    /** Where Kafka is, and how to be let in: what a consumer and a producer have in common. */
    private static final List<String> OF_BOTH =
            List.of("bootstrap.servers", "client.dns.lookup", "security.", "ssl.", "sasl.");

    /** @param consumer settings of Kafka's consumer */
    static DeadLetters to(String topic, Map<String, String> consumer) {
        return new DeadLetters(topic, producer(consumer));
    }

    /** Settings of a producer of the Kafka that the consumer reads. */
    static Map<String, String> producer(Map<String, String> consumer) {
        Map<String, String> producer = new HashMap<>();
        consumer.forEach((name, value) -> {
            if (OF_BOTH.stream().anyMatch(name::startsWith)) {
                producer.put(name, value);
            }
        });
        producer.put("acks", "all");
        producer.put("enable.idempotence", "true");
        // a task flushes at its end: nothing waits this long for others
        producer.put("linger.ms", "20");
        // as long as Kafka has for an acknowledgement
        producer.put("max.block.ms", "120000");
        // what is too large is for the topic to say
        producer.put("max.request.size", "16777216");
        producer.put("buffer.memory", "16777216");
        return Map.copyOf(producer);
    }

    boolean areWritten() {
        return !topic.isEmpty();
    }

    LetterWriter writer() {
        return new LetterWriter(this);
    }

    /** The columns of {@code row} and those of a record. */
    static StructType addRecord(StructType row) {
        StructField[] fields = Stream.concat(Arrays.stream(row.fields()), Arrays.stream(RECORD.fields()))
                .toArray(StructField[]::new);
        return new StructType(fields);
    }

    /** A row of the columns, and of those of the record where there are letters. */
    Row withRecord(Row record, @Nullable Object... columns) {
        if (!areWritten()) {
            return RowFactory.create(columns);
        }
        Stream<Object> ofRecord = Arrays.stream(RECORD.fieldNames()).map(record::getAs);
        return RowFactory.create(Stream.concat(Arrays.stream(columns), ofRecord).toArray());
    }

    /** About what the record in a row takes in memory. */
    long bytes(Row row) {
        byte[] value = areWritten() ? row.getAs("value") : null;
        return value == null ? 0 : value.length;
    }
}
