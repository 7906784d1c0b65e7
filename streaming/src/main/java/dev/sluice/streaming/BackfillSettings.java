package dev.sluice.streaming;

import dev.sluice.settings.Environment;

/**
 * What a {@link Backfill} is started with.
 *
 * @param range of receipts
 * @param counting as the query is started, but for its checkpoint and its trigger
 */
record BackfillSettings(TimeRange range, Settings counting) {
    static BackfillSettings read(Environment environment) {
        TimeRange range = TimeRange.read(environment);
        return new BackfillSettings(range, Settings.read(environment));
    }
}
