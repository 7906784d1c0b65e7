package dev.sluice.streaming;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies how far the query is to a consumer group, for Kafka's own tools; nothing reads it here. In a thread of its own: a
 * Kafka that does not answer holds nobody up.
 */
final class OffsetMirror {
    private static final Logger LOG = LoggerFactory.getLogger(OffsetMirror.class);
    private static final int TIMEOUT_MILLIS = 10_000;

    private final String group;
    private final Map<String, String> client;
    /** One request under way and one that waits, in whose place a newer one comes. */
    private final ThreadPoolExecutor requests = new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(1),
            OffsetMirror::daemon,
            new ThreadPoolExecutor.DiscardOldestPolicy());

    // of the one thread
    private @Nullable Admin admin;
    private boolean failing;

    /** @param client settings of a Kafka client */
    OffsetMirror(String group, Map<String, String> client) {
        this.group = group;
        this.client = client;
    }

    /** Returns at once. */
    void copy(Map<TopicPartition, Long> offsets) {
        requests.execute(() -> commit(offsets));
    }

    private void commit(Map<TopicPartition, Long> offsets) {
        Map<TopicPartition, OffsetAndMetadata> commits = new HashMap<>();
        offsets.forEach((partition, offset) -> commits.put(partition, new OffsetAndMetadata(offset)));
        try {
            admin().alterConsumerGroupOffsets(group, commits).all().get();
            failing = false;
        } catch (ExecutionException | KafkaException e) {
            if (!failing) {
                LOG.warn(
                        "Offsets are not copied to consumer group {}; counting goes on: {}",
                        group,
                        KafkaTrouble.reason(e));
            }
            failing = true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Admin admin() {
        if (admin == null) {
            Map<String, Object> settings = new HashMap<>(client);
            settings.put("default.api.timeout.ms", TIMEOUT_MILLIS);
            settings.put("request.timeout.ms", TIMEOUT_MILLIS);
            admin = Admin.create(settings);
        }
        return admin;
    }

    private static Thread daemon(Runnable task) {
        Thread thread = new Thread(task, "offset mirror");
        thread.setDaemon(true);
        return thread;
    }
}
