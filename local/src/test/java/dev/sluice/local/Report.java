package dev.sluice.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What was done to the victims and what became of the events: a table, remarks, and at the end the totals. */
final class Report {
    private static final Path FOLDER = Processes.HOME.resolve("local/target/fault-test");

    private static final Path FILE = FOLDER.resolve("report.md");
    private static final List<String> HEAD = List.of(
            "| fault | times | sent | acknowledged | refused with 503 | no answer | acknowledged and missing | out of order"
                    + " | stored twice |",
            "|---|---|---|---|---|---|---|---|---|");
    private static final String TOTALS = "In all: ";
    private static final int TIMES = 2;
    private static final int SENT = 3;
    private static final int ACKNOWLEDGED = 4;
    private static final int MISSING = 7;

    private Report() {}

    /** Where a process of a test may write its log: beside the report. */
    static Path log(String name) throws IOException {
        return Files.createDirectories(FOLDER).resolve(name + ".log");
    }

    static void add(String fault, int times, Ledger.Account account) throws IOException {
        write("| " + fault + " | " + times + " | " + account.sent() + " | " + account.acknowledged() + " | "
                + account.refused() + " | " + account.unanswered() + " | " + account.missing() + " | "
                + account.outOfOrder() + " | " + account.storedTwice() + " |");
    }

    static void remark(String text) throws IOException {
        write(text);
    }

    /** Tests of other processes have written to it too, so that it is put in order anew each time. */
    private static void write(String line) throws IOException {
        System.out.println(line);
        List<String> rows = new ArrayList<>();
        List<String> remarks = new ArrayList<>();
        for (String each : lines(line)) {
            if (each.startsWith("|")) {
                rows.add(each);
            } else if (!each.isEmpty() && !each.startsWith(TOTALS)) {
                remarks.add(each);
            }
        }
        rows.removeAll(HEAD);
        List<String> all = new ArrayList<>(HEAD);
        all.addAll(rows);
        for (String remark : remarks) {
            all.addAll(List.of("", remark));
        }
        all.addAll(List.of("", totals(rows)));
        Files.write(FILE, all);
    }

    private static List<String> lines(String more) throws IOException {
        Files.createDirectories(FOLDER);
        List<String> lines = new ArrayList<>(Files.exists(FILE) ? Files.readAllLines(FILE) : List.of());
        lines.add(more);
        return lines;
    }

    private static String totals(List<String> rows) {
        return TOTALS + sum(rows, TIMES) + " faults, " + sum(rows, SENT) + " events sent, " + sum(rows, ACKNOWLEDGED)
                + " acknowledged, " + sum(rows, MISSING) + " of those missing.";
    }

    private static long sum(List<String> rows, int column) {
        return rows.stream()
                .mapToLong(row -> Long.parseLong(row.split("\\|")[column].strip()))
                .sum();
    }
}
