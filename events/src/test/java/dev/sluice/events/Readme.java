package dev.sluice.events;

import dev.sluice.settings.Setting;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.Stream;

/** The tables of the README, so that the tests of each module hold them against the code. */
public final class Readme {
    private Readme() {}

    /** The rows under the heading {@code section}, up to the next heading, as they are written. */
    public static List<String> rows(String section) {
        return section(section).filter(line -> line.startsWith("| `")).toList();
    }

    /** The lines under the heading {@code section}, up to the next heading. */
    public static Stream<String> section(String section) {
        return lines().dropWhile(line -> !line.matches("#+ " + section))
                .skip(1)
                .takeWhile(line -> !line.startsWith("#"));
    }

    /** The row that a setting has to have. */
    public static String row(Setting<?> setting) {
        String fallback = setting.fallback().isEmpty() ? "" : "`" + setting.fallback() + "`";
        return "| `" + setting.name() + "` | " + fallback + " | " + setting.meaning() + " |";
    }

    /** The row that a rejection has to have. */
    public static String row(Rejection rejection) {
        return "| `" + rejection.code() + "` | " + rejection.status() + " | " + (rejection.retryable() ? "yes" : "no")
                + " | " + rejection.meaning() + " |";
    }

    private static Stream<String> lines() {
        try {
            return Files.readAllLines(RealBroker.home().resolve("README.md")).stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
