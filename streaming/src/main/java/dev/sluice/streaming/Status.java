package dev.sluice.streaming;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * How far streaming is, for whoever follows its counts.
 *
 * @param batch the last one that was counted, and the milliseconds that it took
 * @param closed no later batch changes windows that ended by then
 * @param completeUntil every record that was stored before has an outcome
 * @param lag records that were left to read
 * @param records that this process has read; {@code outcomes} adds up to it
 */
record Status(
        long batch,
        long batchMillis,
        Optional<Instant> closed,
        Optional<Instant> completeUntil,
        long lag,
        long records,
        Map<Outcome, Long> outcomes) {}
