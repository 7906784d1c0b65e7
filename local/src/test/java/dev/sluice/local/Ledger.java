package dev.sluice.local;

import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * A load client that writes down every event that it was told is stored, and then looks each of them up. It sends an
 * event once: what it has no answer for is written down as such and not sent again.
 */
final class Ledger implements AutoCloseable {
    /**
     * What became of the events of one run.
     *
     * @param stored acknowledged or not, each once
     * @param storedTwice how many times one was stored that was there already
     */
    record Account(
            int sent,
            int acknowledged,
            int refused,
            int unanswered,
            int missing,
            int outOfOrder,
            int stored,
            int storedTwice) {}

    static final int CONNECTIONS = 8;

    private static final int LONGEST_MILLIS = 60_000;
    private static final Pattern ID = Pattern.compile("\"event_id\":\"(\\d+)\",\"connection\":(\\d+)");
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final List<Integer> ports;
    private final String padding;
    private final ExecutorService connections;
    private final List<Future<?>> senders = new ArrayList<>();
    private final AtomicInteger sent = new AtomicInteger();
    private final AtomicInteger refused = new AtomicInteger();
    private final AtomicInteger unanswered = new AtomicInteger();
    private final AtomicInteger acknowledgedCount = new AtomicInteger();
    private final BitSet acknowledged = new BitSet();
    private final AtomicIntegerArray refusalMillis = new AtomicIntegerArray(LONGEST_MILLIS);
    private volatile long nanosBetween;
    private volatile boolean stopping;

    /** Begins to send to the first of {@code ports} that takes a connection, as fast as it answers. */
    Ledger(List<Integer> ports) {
        this(ports, CONNECTIONS);
    }

    Ledger(List<Integer> ports, int count) {
        this(ports, count, 0);
    }

    /** @param padding characters of each event that are there for its size alone */
    Ledger(List<Integer> ports, int count, int padding) {
        this.ports = ports;
        this.padding = "x".repeat(padding);
        this.connections = Executors.newFixedThreadPool(count);
        for (int i = 0; i < count; i++) {
            int connection = i;
            senders.add(connections.submit(() -> send(connection)));
        }
    }

    /** From now on so many events a second of all connections together; one that had to wait catches up. */
    void pace(double perSecond) {
        nanosBetween = (long) (senders.size() * 1e9 / perSecond);
    }

    int sent() {
        return sent.get();
    }

    /** Milliseconds within which that share of the refusals since the last {@link #forgetRefusals} was answered. */
    int refusalMillis(double share) {
        long all = 0;
        for (int i = 0; i < LONGEST_MILLIS; i++) {
            all += refusalMillis.get(i);
        }
        long seen = 0;
        for (int i = 0; i < LONGEST_MILLIS; i++) {
            seen += refusalMillis.get(i);
            if (seen >= all * share) {
                return i;
            }
        }
        return LONGEST_MILLIS;
    }

    void forgetRefusals() {
        for (int i = 0; i < LONGEST_MILLIS; i++) {
            refusalMillis.set(i, 0);
        }
    }

    int acknowledged() {
        return acknowledgedCount.get();
    }

    int refused() {
        return refused.get();
    }

    int unanswered() {
        return unanswered.get();
    }

    /** Ends the load, and reads all of the topic. */
    Account settle(String bootstrapServers, String topic) throws Exception {
        stopping = true;
        for (Future<?> sender : senders) {
            sender.get(1, TimeUnit.MINUTES);
        }
        Stored stored = new Stored();
        read(bootstrapServers, topic, stored);
        BitSet missing = (BitSet) acknowledged.clone();
        missing.andNot(stored.numbers);
        return new Account(
                sent.get(),
                acknowledged.cardinality(),
                refused.get(),
                unanswered.get(),
                missing.cardinality(),
                stored.outOfOrder,
                stored.numbers.cardinality(),
                stored.twice);
    }

    @Override
    public void close() {
        stopping = true;
        connections.shutdownNow();
    }

    private void send(int number) {
        long next = System.nanoTime();
        try (Connection connection = new Connection(ports)) {
            while (!stopping) {
                if (nanosBetween == 0) {
                    next = System.nanoTime();
                } else {
                    next += nanosBetween;
                    LockSupport.parkNanos(next - System.nanoTime());
                }
                int id = sent.getAndIncrement();
                long start = System.nanoTime();
                write(id, start, connection.post(event(number, id)));
            }
        }
    }

    private String event(int connection, int id) {
        String event = "{\"event_type\":\"fault\",\"event_id\":\"" + id + "\",\"connection\":" + connection;
        return event + (padding.isEmpty() ? "}" : ",\"params\":{\"padding\":\"" + padding + "\"}}");
    }

    private void write(int id, long start, int status) {
        if (status == 202) {
            acknowledgedCount.incrementAndGet();
            synchronized (acknowledged) {
                acknowledged.set(id);
            }
        } else if (status == 503) {
            refused.incrementAndGet();
            refusalMillis.incrementAndGet(
                    (int) Math.min(LONGEST_MILLIS - 1, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start)));
            LockSupport.parkNanos(PAUSE_NANOS);
        } else {
            unanswered.incrementAndGet();
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    /** What the topic holds, told record by record. */
    private final class Stored {
        private final BitSet numbers = new BitSet();
        private final Map<String, Integer> last = new HashMap<>();
        private int twice;
        private int outOfOrder;

        void add(ConsumerRecord<String, String> record) {
            Matcher id = ID.matcher(record.value());
            if (!id.find()) {
                return;
            }
            int number = Integer.parseInt(id.group(1));
            if (numbers.get(number)) {
                twice++;
            } else if (acknowledged.get(number)) {
                Integer before = last.put(record.partition() + " " + id.group(2), number);
                outOfOrder += before != null && before > number ? 1 : 0;
            }
            numbers.set(number);
        }
    }

    private static void read(String bootstrapServers, String topic, Stored stored) {
        Map<String, Object> settings = Map.of("bootstrap.servers", bootstrapServers, "auto.offset.reset", "earliest");
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            List<TopicPartition> partitions = new ArrayList<>();
            for (PartitionInfo partition : consumer.partitionsFor(topic)) {
                partitions.add(new TopicPartition(topic, partition.partition()));
            }
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                consumer.poll(Duration.ofSeconds(1)).forEach(stored::add);
            }
        }
    }
}
