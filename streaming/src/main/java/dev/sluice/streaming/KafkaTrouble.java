package dev.sluice.streaming;

import java.util.Arrays;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** What a failure of Kafka's client says, however Spark wrapped it. */
final class KafkaTrouble {
    private static final String SPARKS_SOURCE = "org.apache.spark.sql.kafka010.";

    private KafkaTrouble() {}

    /** Whether the same question may be answered later. */
    static boolean isPassing(Throwable failure) {
        for (Throwable each = failure; each != null; each = each.getCause()) {
            if (each instanceof RetriableException || isTimeoutOfSource(each)) {
                return !isMissingTopic(failure);
            }
        }
        return false;
    }

    /** Kafka's client has hope for such a topic; but one that is gone comes back without what was in it. */
    static boolean isMissingTopic(Throwable failure) {
        for (Throwable each = failure; each != null; each = each.getCause()) {
            if (each instanceof UnknownTopicOrPartitionException) {
                return true;
            }
        }
        return false;
    }

    /** What a task ends with that waited for a record for too long. */
    private static boolean isTimeoutOfSource(Throwable failure) {
        return failure instanceof TimeoutException
                && Arrays.stream(failure.getStackTrace())
                        .anyMatch(frame -> frame.getClassName().startsWith(SPARKS_SOURCE));
    }

    /** The innermost message. */
    static String reason(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getClass().getSimpleName() + ": " + cause.getMessage();
    }
}
