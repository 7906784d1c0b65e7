package dev.sluice.streaming;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.api.java.function.VoidFunction2;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.storage.StorageLevel;

/** One after another, the console first: what holds a batch up is not to hide it. */
final class Sinks implements VoidFunction2<Dataset<Row>, Long>, AutoCloseable {
    private static final long serialVersionUID = 1;

    private final transient List<VoidFunction2<Dataset<Row>, Long>> sinks;
    private final transient List<CountsTopic> topics;
    private final transient List<CassandraSink> stores;

    private Sinks(List<VoidFunction2<Dataset<Row>, Long>> sinks, List<CountsTopic> topics, List<CassandraSink> stores) {
        this.sinks = sinks;
        this.topics = topics;
        this.stores = stores;
    }

    /**
     * Returns once the stores are there.
     *
     * @param begun when the checkpoint was begun
     */
    static Sinks open(Settings settings, long begun, Metrics metrics, Health health) throws InterruptedException {
        List<VoidFunction2<Dataset<Row>, Long>> sinks = new ArrayList<>();
        if (settings.console()) {
            sinks.add(new ConsoleSink(System.out));
        }
        List<CountsTopic> topics = settings.counts().stream()
                .map(topic -> new CountsTopic(topic, settings))
                .toList();
        for (CountsTopic topic : topics) {
            topic.check();
        }
        sinks.addAll(topics);
        List<CassandraSink> stores = settings.cassandra().stream()
                .map(cassandra -> {
                    StoreState state = new StoreState(System::nanoTime);
                    metrics.watch(state);
                    return new CassandraSink(cassandra, begun, state, health);
                })
                .toList();
        for (CassandraSink store : stores) {
            store.open();
        }
        sinks.addAll(stores);
        return new Sinks(sinks, topics, stores);
    }

    @Override
    public void call(Dataset<Row> counts, Long batch) throws Exception {
        if (topics.isEmpty() && stores.isEmpty()) {
            // the console looks once
            sinks.get(0).call(counts, batch);
            return;
        }
        // or each of them, and each look of one, would count the batch anew
        Dataset<Row> counted = counts.persist(StorageLevel.MEMORY_AND_DISK());
        try {
            for (VoidFunction2<Dataset<Row>, Long> sink : sinks) {
                sink.call(counted, batch);
            }
        } finally {
            counted.unpersist();
        }
    }

    /** For those who follow the counts. */
    void tell(Status status) {
        topics.forEach(topic -> topic.tell(status));
    }

    @Override
    public void close() {
        topics.forEach(CountsTopic::close);
        stores.forEach(CassandraSink::close);
    }
}
