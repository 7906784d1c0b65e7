package dev.sluice.local;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads counts off the console, as a person does: the last line for a window, type and outcome stands. */
record Console(Path log) {
    private static final Pattern ROW = Pattern.compile(
            "\\|(\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d)\\|[^|]*\\|([^| ]+) *\\|(\\w+) *\\|(\\d+) *\\|");

    /** Sum of the windows' counts by {@code type outcome}. */
    Map<String, Long> totals() throws IOException {
        Map<List<String>, Long> last = new HashMap<>();
        Matcher row = ROW.matcher(Processes.text(log));
        while (row.find()) {
            last.put(List.of(row.group(1), row.group(2), row.group(3)), Long.parseLong(row.group(4)));
        }
        Map<String, Long> totals = new HashMap<>();
        last.forEach((key, count) -> totals.merge(key.get(1) + " " + key.get(2), count, Long::sum));
        return totals;
    }
}
