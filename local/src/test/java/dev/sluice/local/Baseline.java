package dev.sluice.local;

import dev.sluice.local.BenchReport.Bound;
import dev.sluice.local.BenchReport.Ratio;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;

/**
 * What the ratios of {@code make bench-quick} have been, a line each with the figures of the runs that were kept: a change
 * of the code that makes something much slower shows as a figure far outside them. Times are not kept: they are the
 * machine's.
 */
final class Baseline {
    private static final Path FILE = Processes.HOME.resolve("local/bench-results/quick.tsv");
    private static final int MOST_RUNS = 10;

    /** A figure is far outside when it is worse than the median by so many times what any that was kept is off, */
    private static final double SPREADS = 3;

    /** and by such a share of the median at least: the machines that this runs on are noisy. */
    private static final double SHARE = 0.5;

    private final Map<String, List<Double>> kept = new LinkedHashMap<>();

    static Baseline read() throws IOException {
        Baseline baseline = new Baseline();
        if (Files.exists(FILE)) {
            for (String line : Files.readAllLines(FILE)) {
                String[] fields = line.split("\t");
                baseline.kept.put(
                        fields[0],
                        Arrays.stream(fields).skip(1).map(Double::valueOf).collect(Collectors.toList()));
            }
        }
        return baseline;
    }

    /** Adds the figures of a run to those that are kept; the oldest go. */
    void keep(Map<String, Ratio> measured) throws IOException {
        measured.forEach((name, ratio) -> {
            List<Double> runs = kept.computeIfAbsent(name, any -> new ArrayList<>());
            runs.add(ratio.median());
            runs.subList(0, Math.max(0, runs.size() - MOST_RUNS)).clear();
        });
        Files.write(
                FILE,
                kept.entrySet().stream()
                        .map(row -> row.getKey() + "\t"
                                + row.getValue().stream().map(Baseline::text).collect(Collectors.joining("\t")))
                        .toList());
    }

    /**
     * Prints the figures of a run beside those that are kept.
     *
     * @return the names of those that are far outside
     */
    List<String> compare(Map<String, Ratio> measured) {
        List<String> far = new ArrayList<>();
        System.out.println("| ratio | kept | now | |\n|---|---|---|---|");
        measured.forEach((name, now) -> {
            List<Double> runs = kept.getOrDefault(name, List.of());
            boolean isFar = isFar(runs, now);
            if (isFar) {
                far.add(name);
            }
            System.out.printf(
                    "| %s | %s | %s | %s |%n",
                    name, runs.isEmpty() ? "" : shown(runs), text(now.median()), isFar ? "FAR" : "");
        });
        return far;
    }

    /** Whether a ratio is far on its bad side. */
    static boolean isFar(List<Double> runs, Ratio now) {
        if (runs.isEmpty()) {
            return false;
        }
        double median = median(runs);
        double spread =
                runs.stream().mapToDouble(run -> Math.abs(run - median)).max().orElseThrow();
        double worse = now.bound() == Bound.AT_LEAST ? median - now.median() : now.median() - median;
        return worse > Math.max(SPREADS * spread, SHARE * Math.abs(median));
    }

    private static String shown(List<Double> runs) {
        DoubleStream all = runs.stream().mapToDouble(Double::doubleValue);
        var summary = all.summaryStatistics();
        return text(median(runs)) + " (" + text(summary.getMin()) + " to " + text(summary.getMax()) + ")";
    }

    private static double median(List<Double> runs) {
        List<Double> sorted = runs.stream().sorted().toList();
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    private static String text(double figure) {
        return String.format(Locale.ROOT, figure >= 100 ? "%.0f" : "%.2f", figure);
    }
}
