package dev.sluice.streaming;

import java.time.Instant;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.TopicPartition;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.streaming.SourceProgress;
import org.apache.spark.sql.streaming.StateOperatorProgress;
import org.apache.spark.sql.streaming.StreamingQueryProgress;

/**
 * What one batch did.
 *
 * @param records read from Kafka
 * @param outcomes how many of them had which; adds up to {@code records}, or a record is lost
 * @param dropped rows that Spark's watermark dropped: none, or a count is wrong
 * @param phases milliseconds that each took
 * @param state of each of Spark's operators that has some
 */
record Progress(
        long batch,
        long records,
        Map<Outcome, Long> outcomes,
        long dropped,
        Map<String, Long> phases,
        Map<String, StateOperatorProgress> state,
        Look look) {

    /**
     * How far the query is, as of one look at Kafka.
     *
     * @param millis when, since 1970 UTC
     * @param end what is read next
     * @param latest what was stored next
     * @param receipts of the newest record that was read from each partition since the start
     */
    record Look(long millis, Position end, Map<TopicPartition, Long> latest, Map<TopicPartition, Long> receipts) {

        /** Nothing before the first look. */
        static Optional<Look> of(StreamingQueryProgress progress) {
            SourceProgress kafka = progress.sources()[0];
            if (kafka.endOffset() == null || kafka.latestOffset() == null) {
                return Optional.empty();
            }
            return Optional.of(new Look(
                    Instant.parse(progress.timestamp()).toEpochMilli(),
                    Position.parse(kafka.endOffset()),
                    Position.parse(kafka.latestOffset()).offsets(),
                    Position.offsets(kafka.metrics().getOrDefault(WatermarkedStream.RECEIPTS, "{}"))));
        }
    }

    /** Nothing for a trigger without a batch. */
    static Optional<Progress> of(StreamingQueryProgress progress) {
        if (!progress.durationMs().containsKey("addBatch")) {
            return Optional.empty();
        }
        return Look.of(progress).map(look -> of(progress, look));
    }

    private static Progress of(StreamingQueryProgress progress, Look look) {
        SourceProgress kafka = progress.sources()[0];
        Position start = kafka.startOffset() == null ? new Position(0, Map.of()) : Position.parse(kafka.startOffset());
        long dropped = Arrays.stream(progress.stateOperators())
                .mapToLong(StateOperatorProgress::numRowsDroppedByWatermark)
                .sum();
        // each partition's rows begin with one that tells the watermark
        long marks = Math.max(1, look.end().partitionsSince(start));
        long rows = kafka.numInputRows();
        return new Progress(
                progress.batchId(),
                rows == 0 ? 0 : rows - marks,
                outcomes(progress),
                dropped,
                Map.copyOf(progress.durationMs()),
                state(progress),
                look);
    }

    private static Map<Outcome, Long> outcomes(StreamingQueryProgress progress) {
        Map<Outcome, Long> outcomes = new EnumMap<>(Outcome.class);
        Row observed = progress.observedMetrics().get(Counts.OBSERVED);
        for (Outcome outcome : Outcome.values()) {
            Long rows = observed == null ? null : observed.<Long>getAs(outcome.code());
            outcomes.put(outcome, rows == null ? 0 : rows);
        }
        return outcomes;
    }

    private static Map<String, StateOperatorProgress> state(StreamingQueryProgress progress) {
        Map<String, StateOperatorProgress> state = new HashMap<>();
        for (StateOperatorProgress operator : progress.stateOperators()) {
            state.put(operator.operatorName(), operator);
        }
        return state;
    }
}
