package dev.sluice.streaming;

import dev.sluice.settings.Environment;
import dev.sluice.settings.Setting;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;

/**
 * What a job looks at.
 *
 * @param to the first moment behind the range
 */
record TimeRange(Instant from, Instant to) {
    static final Setting<Optional<Instant>> FROM = Setting.optionalInstant(
            "FROM", "start of what the job looks at, `2026-11-24T06:50:00Z`; by default all that is stored");
    static final Setting<Optional<Instant>> TO =
            Setting.optionalInstant("TO", "end of what the job looks at; by default now");

    static final List<Setting<?>> SETTINGS = List.of(FROM, TO);

    static TimeRange read(Environment environment) {
        Instant from = environment.get(FROM).orElse(Instant.EPOCH);
        // the end is fixed: a job that sends would otherwise find what it sent itself
        Instant to = environment.get(TO).orElseGet(() -> Instant.now().truncatedTo(ChronoUnit.MILLIS));
        if (!from.isBefore(to)) {
            environment.problem("FROM=" + from + ": must be before TO=" + to);
        }
        return new TimeRange(from, to);
    }

    @Override
    public String toString() {
        return (from.equals(Instant.EPOCH) ? "" : "from " + from + " ") + "to " + to;
    }
}
