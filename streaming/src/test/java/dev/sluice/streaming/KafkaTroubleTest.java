package dev.sluice.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.junit.jupiter.api.Test;

class KafkaTroubleTest {
    @Test
    void isPassing_kafkaDoesNotAnswer() {
        assertThat(KafkaTrouble.isPassing(wrapped(new org.apache.kafka.common.errors.TimeoutException("60 s"))))
                .isTrue();
        assertThat(KafkaTrouble.isPassing(wrapped(new TopicAuthorizationException("no"))))
                .isFalse();
    }

    @Test
    void isPassing_timeoutOfSparksSource_butOfNothingElse() {
        TimeoutException ofAnything = new TimeoutException("broadcast");
        assertThat(KafkaTrouble.isPassing(wrapped(ofAnything))).isFalse();
        TimeoutException ofSource = new TimeoutException("Cannot fetch record for offset 7 in 120000 milliseconds");
        ofSource.setStackTrace(new StackTraceElement[] {
            new StackTraceElement("org.apache.spark.sql.kafka010.consumer.InternalKafkaConsumer", "fetch", "", 1)
        });
        assertThat(KafkaTrouble.isPassing(wrapped(ofSource))).isTrue();
    }

    @Test
    void isPassing_topicGone_isNot() {
        Throwable gone = wrapped(new UnknownTopicOrPartitionException("no such topic"));
        assertThat(KafkaTrouble.isPassing(gone)).isFalse();
        assertThat(KafkaTrouble.isMissingTopic(gone)).isTrue();
        assertThat(KafkaTrouble.reason(gone)).isEqualTo("UnknownTopicOrPartitionException: no such topic");
    }

    private static Throwable wrapped(Exception cause) {
        return new IllegalStateException("Job aborted", new ExecutionException(cause));
    }
}
