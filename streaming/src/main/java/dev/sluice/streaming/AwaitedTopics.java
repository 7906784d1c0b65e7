package dev.sluice.streaming;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/**
 * The topics that are read. Spark's source fails where one is missing; this waits for them.
 *
 * @param client settings of a Kafka client
 */
record AwaitedTopics(Set<String> names, Map<String, String> client) {
    private static final int ATTEMPT_MILLIS = 5_000;

    /** Returns once every topic is there; says what it waits for, each time that changes. */
    void await(Consumer<String> say) throws InterruptedException {
        String said = "";
        for (String obstacle = obstacle(); !obstacle.isEmpty(); obstacle = obstacle()) {
            if (!obstacle.equals(said)) {
                say.accept("Waiting for topics " + String.join(", ", names) + " at " + client.get("bootstrap.servers")
                        + ": " + obstacle);
                said = obstacle;
            }
            TimeUnit.SECONDS.sleep(1);
        }
    }

    private String obstacle() throws InterruptedException {
        Map<String, Object> settings = new HashMap<>(client);
        settings.put("default.api.timeout.ms", ATTEMPT_MILLIS);
        settings.put("request.timeout.ms", ATTEMPT_MILLIS);
        try (Admin admin = Admin.create(settings)) {
            admin.describeTopics(names).allTopicNames().get();
            return "";
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            if (cause instanceof UnknownTopicOrPartitionException) {
                return "not all exist yet";
            }
            return (cause instanceof AuthenticationException
                            ? "Kafka lets nobody in with these settings ("
                            : "Kafka does not answer (")
                    + cause.getMessage() + ")";
        } catch (KafkaException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            return String.valueOf(cause.getMessage());
        }
    }
}
