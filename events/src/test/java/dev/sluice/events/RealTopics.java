package dev.sluice.events;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;

/** Topics that take records as soon as they are created. */
public final class RealTopics {
    private static final long LOOK_MILLIS = 50;

    private RealTopics() {}

    /** That of counts, as it is asked for where it is not there. */
    public static NewTopic counts() {
        return new NewTopic("event-counts", 1, (short) 1).configs(Map.of("cleanup.policy", "compact"));
    }

    public static void create(RealBroker broker, int partitions, String... names)
            throws ExecutionException, InterruptedException {
        List<NewTopic> topics = List.of(names).stream()
                .map(name -> new NewTopic(name, partitions, (short) 1))
                .toList();
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            create(admin, topics);
        }
    }

    /**
     * Returns once each leader answers as one. A controller says that a topic exists before its leaders know; a producer
     * that begins then may see its second batch taken and its first refused, and the first, sent again, is out of order
     * until it is given up.
     */
    public static void create(Admin admin, Collection<NewTopic> topics)
            throws ExecutionException, InterruptedException {
        admin.createTopics(topics).all().get();
        awaitLeaders(admin, topics.stream().map(NewTopic::name).toList());
    }

    /** Waits until each partition's leader answers as one, for a minute at most. */
    public static void awaitLeaders(Admin admin, Collection<String> topics)
            throws ExecutionException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
        while (true) {
            try {
                Collection<TopicDescription> described =
                        admin.describeTopics(topics).allTopicNames().get().values();
                Map<TopicPartition, OffsetSpec> ends = described.stream()
                        .flatMap(topic -> IntStream.range(0, topic.partitions().size())
                                .mapToObj(partition -> new TopicPartition(topic.name(), partition)))
                        .collect(Collectors.toMap(partition -> partition, partition -> OffsetSpec.latest()));
                // asked of the leaders
                admin.listOffsets(ends).all().get();
                return;
            } catch (ExecutionException e) {
                // of several brokers, one may not have heard of the topic yet
                if (!(e.getCause() instanceof RetriableException) || System.nanoTime() > deadline) {
                    throw e;
                }
            }
            TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
        }
    }
}
