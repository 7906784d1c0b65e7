package dev.sluice.streaming;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.streaming.SourceProgress;
import org.apache.spark.sql.streaming.StreamingQueryProgress;

/**
 * What one batch did.
 *
 * @param records read from Kafka
 * @param outcomes how many of them had which; adds up to {@code records}, or a record is lost
 * @param end what is read next
 * @param latest what was stored next when the batch was planned
 * @param dropped rows that Spark's watermark dropped: none, or a count is wrong
 */
record Progress(long batch, long records, Map<Outcome, Long> outcomes, Position end, Position latest, long dropped) {

    /** Nothing for a trigger without a batch. */
    static Optional<Progress> of(StreamingQueryProgress progress) {
        SourceProgress kafka = progress.sources()[0];
        if (kafka.endOffset() == null || !progress.durationMs().containsKey("addBatch")) {
            return Optional.empty();
        }
        Position end = Position.parse(kafka.endOffset());
        Position start = kafka.startOffset() == null ? new Position(0, Map.of()) : Position.parse(kafka.startOffset());
        Position latest = kafka.latestOffset() == null ? end : Position.parse(kafka.latestOffset());
        long dropped = Arrays.stream(progress.stateOperators())
                .mapToLong(operator -> operator.numRowsDroppedByWatermark())
                .sum();
        // each partition's rows begin with one that tells the watermark
        long marks = Math.max(1, end.partitionsSince(start));
        long rows = kafka.numInputRows();
        return Optional.of(new Progress(
                progress.batchId(), rows == 0 ? 0 : rows - marks, outcomes(progress), end, latest, dropped));
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
}
