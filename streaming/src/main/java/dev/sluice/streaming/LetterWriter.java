package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;

/** Writes the dead letters of one task, in its one thread. */
final class LetterWriter {
    private final DeadLetters letters;
    private final AtomicReference<@Nullable Exception> refused = new AtomicReference<>();
    private @Nullable Producer<byte[], byte[]> producer;

    LetterWriter(DeadLetters letters) {
        this.letters = letters;
    }

    /**
     * Hands a record on, and waits where the producer's buffer is full; nothing where there are no dead letters.
     *
     * @param record with columns of Kafka's source
     * @throws IllegalStateException when Kafka did not take an earlier one
     */
    void write(Outcome outcome, Row record, long received) {
        if (!letters.areWritten()) {
            return;
        }
        check();
        if (producer == null) {
            producer = Producers.get(letters.producer());
        }
        try {
            // the callback is told what the future would be
            var unused = producer.send(letter(outcome, record, received), (stored, failure) -> {
                if (failure != null) {
                    refused.compareAndSet(null, failure);
                }
            });
        } catch (InterruptException e) {
            throw e;
        } catch (RuntimeException e) {
            refused.compareAndSet(null, e);
            check();
        }
    }

    /**
     * Returns once Kafka has all of them.
     *
     * @throws IllegalStateException when it did not take one
     */
    void await() {
        if (producer != null) {
            producer.flush();
            check();
            // so that to wait once more costs nothing
            producer = null;
        }
    }

    private void check() {
        Exception failure = refused.get();
        if (failure != null && producer != null) {
            String advice = "";
            if (failure instanceof RecordTooLargeException) {
                advice = " Raise its max.message.bytes: a letter is some hundred bytes larger than its record.";
            } else if (!KafkaTrouble.isPassing(failure)) {
                Producers.drop(letters.producer(), producer);
            }
            // all in one message: of a chain of causes, the last is what is shown
            throw new IllegalStateException("Kafka took no dead letter in topic " + letters.topic() + " ("
                    + KafkaTrouble.reason(failure) + ")." + advice);
        }
    }

    /** Of this moment: by the time of the record, which is old in a replay, retention would delete it. */
    private ProducerRecord<byte[], byte[]> letter(Outcome outcome, Row record, long received) {
        byte[] key = record.getAs("key");
        byte[] value = record.getAs("value");
        List<Header> headers = new ArrayList<>(List.of(
                header(DeadLetters.REASON, outcome.code()),
                header(DeadLetters.TOPIC, record.<String>getAs("topic")),
                header(DeadLetters.PARTITION, record.<Integer>getAs("partition")),
                header(DeadLetters.OFFSET, record.<Long>getAs("offset")),
                header(DeadLetters.RECEIVED, received)));
        int trace = record.fieldIndex(DeadLetters.HEADERS);
        if (!record.isNullAt(trace)) {
            for (Row header : record.<Row>getList(trace)) {
                headers.add(new RecordHeader(header.getString(0), header.getAs(1)));
            }
        }
        return new ProducerRecord<>(letters.topic(), null, System.currentTimeMillis(), key, value, headers);
    }

    private static Header header(String name, Object value) {
        return new RecordHeader(name, value.toString().getBytes(UTF_8));
    }
}
