package dev.sluice.gateway;

import static dev.sluice.events.Rejection.KAFKA_NO_LEADER;
import static dev.sluice.events.Rejection.KAFKA_TOO_FEW_REPLICAS;
import static dev.sluice.events.Rejection.KAFKA_UNAUTHORIZED;
import static dev.sluice.events.Rejection.KAFKA_UNAVAILABLE;
import static org.apache.kafka.common.config.TopicConfig.MIN_IN_SYNC_REPLICAS_CONFIG;

import dev.sluice.settings.Topics;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import javax.security.auth.login.LoginException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.jspecify.annotations.Nullable;

/** Asks Kafka why it takes nothing: whether it lets the gateway write, and each partition has a leader and replicas. */
final class KafkaProbe {
    private static final int TIMEOUT_MILLIS = 2_000;

    private final Topics topics;
    private final Map<String, Object> client = new HashMap<>();

    /** @param producer settings, of which a client of another kind takes those that it knows */
    KafkaProbe(Topics topics, Map<String, String> producer) {
        this.topics = topics;
        client.putAll(ProducerSettings.knownTo(AdminClientConfig.configNames(), producer));
        client.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, TIMEOUT_MILLIS);
        client.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, TIMEOUT_MILLIS);
    }

    /** Waits for answers, for a few seconds at most; null where nothing is wrong. */
    @Nullable
    Refusal ask() throws InterruptedException {
        try (Admin admin = Admin.create(client)) {
            Collection<TopicDescription> described = describe(admin);
            for (TopicDescription topic : described) {
                Refusal refusal = wrongWith(topic);
                if (refusal != null) {
                    return refusal;
                }
            }
            return tooFewReplicas(described, admin);
        } catch (ExecutionException e) {
            return refusal(e.getCause() == null ? e : e.getCause());
        } catch (KafkaException e) {
            return refusal(e);
        }
    }

    /** What a failure says about Kafka. */
    static Refusal refusal(Throwable failure) {
        if (hasCause(failure, LoginException.class)) {
            // what a server of tokens answered is not for senders
            return Refusal.of(KAFKA_UNAUTHORIZED, "The gateway gets no login for Kafka; its log says why.");
        }
        String detail = String.valueOf(failure.getMessage());
        return Refusal.of(isUnauthorized(failure) ? KAFKA_UNAUTHORIZED : KAFKA_UNAVAILABLE, detail);
    }

    static boolean isUnauthorized(Throwable failure) {
        return hasCause(failure, AuthenticationException.class)
                || hasCause(failure, AuthorizationException.class)
                || hasCause(failure, LoginException.class);
    }

    private static boolean hasCause(Throwable failure, Class<? extends Throwable> type) {
        for (Throwable each = failure; each != null; each = each.getCause()) {
            if (type.isInstance(each)) {
                return true;
            }
        }
        return false;
    }

    /** For the log: a client that cannot even be made says why in its innermost cause alone. */
    static String reason(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        String message = String.valueOf(failure.getMessage());
        return cause.equals(failure) ? message : message + " (" + cause + ")";
    }

    private Collection<TopicDescription> describe(Admin admin) throws ExecutionException, InterruptedException {
        DescribeTopicsOptions options = new DescribeTopicsOptions().includeAuthorizedOperations(true);
        return admin.describeTopics(topics.all(), options).allTopicNames().get().values();
    }

    private static @Nullable Refusal wrongWith(TopicDescription topic) {
        Set<AclOperation> allowed = topic.authorizedOperations();
        if (allowed != null && !allowed.contains(AclOperation.WRITE) && !allowed.contains(AclOperation.ALL)) {
            return Refusal.of(KAFKA_UNAUTHORIZED, "Kafka allows no WRITE to the topic " + topic.name() + ".");
        }
        for (TopicPartitionInfo partition : topic.partitions()) {
            Node leader = partition.leader();
            if (leader == null || leader.isEmpty()) {
                return Refusal.of(
                        KAFKA_NO_LEADER, "Partition " + partition.partition() + " of " + topic.name() + " has none.");
            }
        }
        return null;
    }

    private static @Nullable Refusal tooFewReplicas(Collection<TopicDescription> topics, Admin admin)
            throws InterruptedException {
        Map<String, Integer> least = leastInSync(topics, admin);
        for (TopicDescription topic : topics) {
            int needed = least.getOrDefault(topic.name(), 1);
            for (TopicPartitionInfo partition : topic.partitions()) {
                int inSync = partition.isr().size();
                if (inSync < needed) {
                    return Refusal.of(
                            KAFKA_TOO_FEW_REPLICAS,
                            "Partition " + partition.partition() + " of " + topic.name() + " has " + inSync + " of "
                                    + needed + ".");
                }
            }
        }
        return null;
    }

    /** Empty where the gateway may not ask for it. */
    private static Map<String, Integer> leastInSync(Collection<TopicDescription> topics, Admin admin)
            throws InterruptedException {
        List<ConfigResource> resources = topics.stream()
                .map(topic -> new ConfigResource(ConfigResource.Type.TOPIC, topic.name()))
                .toList();
        try {
            Map<String, Integer> least = new HashMap<>();
            for (Map.Entry<ConfigResource, Config> config :
                    admin.describeConfigs(resources).all().get().entrySet()) {
                String value =
                        config.getValue().get(MIN_IN_SYNC_REPLICAS_CONFIG).value();
                least.put(config.getKey().name(), Integer.parseInt(value));
            }
            return least;
        } catch (ExecutionException notAllowed) {
            return Map.of();
        }
    }
}
