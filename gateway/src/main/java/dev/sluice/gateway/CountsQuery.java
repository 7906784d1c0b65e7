package dev.sluice.gateway;

import dev.sluice.events.CountRecord;
import dev.sluice.gateway.CountsView.Filter;
import io.vertx.core.MultiMap;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What is asked of the counts.
 *
 * @param csv null where it is for the {@code Accept} header to say
 */
record CountsQuery(Filter filter, @Nullable Boolean csv) {
    private static final List<String> ALL = List.of("type", "outcome", "from", "to", "format");
    private static final List<String> OF_STREAM = List.of("from");

    /** @throws IllegalArgumentException that says what is wrong */
    static CountsQuery parse(MultiMap parameters) {
        checkNames(parameters, ALL);
        String outcome = parameters.get("outcome");
        if (outcome != null && !CountRecord.EACH_OUTCOME.contains(outcome)) {
            throw new IllegalArgumentException(
                    "outcome=" + outcome + ": must be one of " + String.join(", ", CountRecord.EACH_OUTCOME) + ".");
        }
        String format = parameters.get("format");
        if (format != null && !format.equals("csv") && !format.equals("json")) {
            throw new IllegalArgumentException("format=" + format + ": must be json or csv.");
        }
        return new CountsQuery(
                new Filter(parameters.get("type"), outcome, time(parameters, "from"), time(parameters, "to")),
                format == null ? null : format.equals("csv"));
    }

    /** @throws IllegalArgumentException as {@link #parse} */
    static Filter parseStream(MultiMap parameters) {
        checkNames(parameters, OF_STREAM);
        return new Filter(null, null, time(parameters, "from"), null);
    }

    private static void checkNames(MultiMap parameters, List<String> known) {
        Set<String> unknown = new TreeSet<>(parameters.names());
        known.forEach(unknown::remove);
        if (!unknown.isEmpty()) {
            throw new IllegalArgumentException("There is no parameter " + String.join(", ", unknown) + "; there "
                    + (known.size() == 1 ? "is " : "are ") + String.join(", ", known) + ".");
        }
    }

    private static @Nullable Instant time(MultiMap parameters, String name) {
        String text = parameters.get(name);
        try {
            return text == null ? null : Instant.parse(text);
        } catch (DateTimeException e) {
            throw new IllegalArgumentException(
                    name + "=" + text + ": must be a time such as 2026-11-24T06:50:00Z (a + is %2B).", e);
        }
    }
}
