package dev.sluice.streaming;

import java.util.concurrent.TimeoutException;
import org.apache.kafka.common.errors.RetriableException;

/** What a failure of Kafka's client says, however Spark wrapped it. */
final class KafkaTrouble {
    private KafkaTrouble() {}

    /** Whether the same question may be answered later. */
    static boolean isPassing(Throwable failure) {
        for (Throwable each = failure; each != null; each = each.getCause()) {
            if (each instanceof RetriableException || each instanceof TimeoutException) {
                return true;
            }
        }
        return false;
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
