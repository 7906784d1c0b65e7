package dev.sluice.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a benchmark measured: to the terminal, and as Markdown, JSON and a chart. */
final class BenchReport {
    private static final Path FOLDER = Processes.HOME.resolve("local/target/bench");

    /** Which side of the target is good. */
    enum Bound {
        AT_LEAST("≥"),
        AT_MOST("≤");

        private final String sign;

        Bound(String sign) {
            this.sign = sign;
        }
    }

    /** One figure in each round. */
    private record Row(String name, Bound bound, double target, List<Double> rounds) {
        /** Whether it says more of the code than of the machine. */
        boolean isRatio() {
            return name.contains(" against ") || name.contains(" beyond ");
        }

        double median() {
            List<Double> sorted = rounds.stream().sorted().toList();
            int middle = sorted.size() / 2;
            return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
        }

        double least() {
            return rounds.stream().min(Double::compare).orElseThrow();
        }

        double most() {
            return rounds.stream().max(Double::compare).orElseThrow();
        }

        boolean isMet() {
            return bound == Bound.AT_LEAST ? median() >= target : median() <= target;
        }

        /** 1 where the target is just met, more where it is surpassed. */
        double share() {
            return bound == Bound.AT_LEAST ? median() / target : target / median();
        }
    }

    private final Map<String, Row> rows = new LinkedHashMap<>();
    private final Map<String, List<Double>> figures = new LinkedHashMap<>();
    private final Map<String, String> facts = new LinkedHashMap<>();
    private final String name;

    /** @param name of the files */
    BenchReport(String name) {
        this.name = name;
        fact("time", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        fact("processors", Integer.toString(Runtime.getRuntime().availableProcessors()));
        fact("processor", firstMatch("/proc/cpuinfo", "model name\\s*: (.*)"));
        fact("memory", firstMatch("/proc/meminfo", "MemTotal:\\s*(.*)"));
        fact("system", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        fact("java", System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"));
    }

    /** Something that a reader of the figures has to know. */
    void fact(String what, String value) {
        facts.put(what, value);
    }

    /** A figure of one round that has a target. */
    void add(String figure, Bound bound, double target, double measured) {
        rows.computeIfAbsent(figure, any -> new Row(figure, bound, target, new ArrayList<>()))
                .rounds
                .add(measured);
        System.out.printf(Locale.ROOT, "  %s: %.3f (target %s %s)%n", figure, measured, bound.sign, text(target));
    }

    /** A figure of one round that others are made of. */
    void add(String figure, double measured) {
        figures.computeIfAbsent(figure, any -> new ArrayList<>()).add(measured);
        System.out.printf(Locale.ROOT, "  %s: %.1f%n", figure, measured);
    }

    /** A median that does not depend on the speed of the machine, and which side of its target is good. */
    record Ratio(double median, Bound bound) {}

    Map<String, Ratio> ratios() {
        Map<String, Ratio> ratios = new LinkedHashMap<>();
        rows.values().stream()
                .filter(Row::isRatio)
                .forEach(row -> ratios.put(row.name, new Ratio(row.median(), row.bound)));
        return ratios;
    }

    void write() throws IOException {
        Files.createDirectories(FOLDER);
        Files.writeString(FOLDER.resolve(name + ".json"), json());
        Files.writeString(FOLDER.resolve(name + ".svg"), chart());
        String table = markdown();
        Files.writeString(FOLDER.resolve(name + ".md"), table);
        System.out.println();
        System.out.println(table);
        System.out.println("Also in " + FOLDER + ": " + name + ".md, " + name + ".json, " + name + ".svg");
    }

    private String markdown() {
        StringBuilder text = new StringBuilder("| name | target | measured | spread | met |\n|---|---|---|---|---|\n");
        for (Row row : rows.values()) {
            text.append("| ")
                    .append(row.name)
                    .append(" | ")
                    .append(row.bound.sign)
                    .append(' ')
                    .append(text(row.target))
                    .append(" | ")
                    .append(text(row.median()))
                    .append(" | ")
                    .append(text(row.least()))
                    .append(" to ")
                    .append(text(row.most()))
                    .append(" | ")
                    .append(row.isMet() ? "yes" : "no")
                    .append(" |\n");
        }
        if (!figures.isEmpty()) {
            text.append("\n| what they are made of | median | spread |\n|---|---|---|\n");
            figures.forEach((figure, rounds) -> {
                Row row = new Row(figure, Bound.AT_LEAST, 0, rounds);
                text.append(String.format(
                        Locale.ROOT,
                        "| %s | %s | %s to %s |%n",
                        figure,
                        text(row.median()),
                        text(row.least()),
                        text(row.most())));
            });
        }
        text.append("\nMedians of the rounds.");
        facts.forEach((what, value) ->
                text.append(' ').append(what).append(": ").append(value).append('.'));
        return text.append('\n').toString();
    }

    private String json() {
        List<String> all = new ArrayList<>();
        for (Row row : rows.values()) {
            all.add(String.format(
                    Locale.ROOT,
                    "{\"name\":%s,\"bound\":\"%s\",\"target\":%s,\"measured\":%s,\"spread\":[%s,%s],\"met\":%b}",
                    quoted(row.name),
                    row.bound.sign,
                    text(row.target),
                    text(row.median()),
                    text(row.least()),
                    text(row.most()),
                    row.isMet()));
        }
        List<String> made = new ArrayList<>();
        figures.forEach((figure, rounds) -> made.add(
                quoted(figure) + ":" + rounds.stream().map(BenchReport::text).toList()));
        List<String> known = new ArrayList<>();
        facts.forEach((what, value) -> known.add(quoted(what) + ":" + quoted(value)));
        return "{\n\"rows\":[\n " + String.join(",\n ", all) + "],\n\"figures\":{\n " + String.join(",\n ", made)
                + "},\n\"facts\":{\n " + String.join(",\n ", known) + "}\n}\n";
    }

    private static final int LINE = 34;
    private static final int LEFT = 480;
    private static final int UNIT = 160;
    private static final double LONGEST = 2.5;

    /** How much of each target is reached, and the spread of it. */
    private String chart() {
        int height = LINE * rows.size() + 50;
        StringBuilder svg = new StringBuilder(String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"960\" height=\"%d\" font-family=\"sans-serif\""
                        + " font-size=\"13\"><rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>"
                        + "<text x=\"%d\" y=\"18\" text-anchor=\"middle\">target</text>%n",
                height,
                LEFT + UNIT));
        int y = 30;
        for (Row row : rows.values()) {
            double share = Math.min(LONGEST, row.share());
            svg.append(String.format(
                    Locale.ROOT,
                    "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text><rect x=\"%d\" y=\"%d\" width=\"%.0f\""
                            + " height=\"18\" fill=\"%s\"/><text x=\"%.0f\" y=\"%d\">%s (%s %s)</text>%n",
                    LEFT - 8,
                    y + 14,
                    row.name.replace("&", "&amp;").replace("<", "&lt;"),
                    LEFT,
                    y,
                    share * UNIT,
                    row.isMet() ? "#2a7ab9" : "#d98032",
                    LEFT + share * UNIT + 6,
                    y + 14,
                    text(row.median()),
                    row.bound.sign,
                    text(row.target)));
            y += LINE;
        }
        return svg.append(String.format(
                        Locale.ROOT,
                        "<line x1=\"%d\" x2=\"%d\" y1=\"24\" y2=\"%d\" stroke=\"black\" stroke-dasharray=\"4 3\"/></svg>%n",
                        LEFT + UNIT,
                        LEFT + UNIT,
                        y))
                .toString();
    }

    private static String text(double number) {
        String text = String.format(Locale.ROOT, number >= 1_000 ? "%.0f" : number >= 20 ? "%.1f" : "%.2f", number);
        return text.contains(".") ? text.replaceAll("\\.?0+$", "") : text;
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    private static String firstMatch(String file, String pattern) {
        try {
            Matcher found = Pattern.compile(pattern).matcher(Files.readString(Path.of(file)));
            return found.find() ? found.group(1).strip() : "unknown";
        } catch (IOException notLinux) {
            return "unknown";
        }
    }
}
