package dev.sluice.local;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * One process of the system.
 *
 * @param log what it writes, its counts apart
 */
record Child(String name, Process process, Path log) {
    /** Ctrl-C reaches every process of a terminal; only the launcher may act on it, and stop the rest in order. */
    static final List<String> DEAF_TO_THE_TERMINAL = List.of("/bin/sh", "-c", "trap '' INT HUP; exec \"$@\"", "sh");

    private static final int LAST_LINES = 15;
    private static final int SIGNALLED = 128;

    /** Starts {@code java} with {@code arguments}; standard output goes to the log too where {@code outputToLog}. */
    static Child java(
            String name, Path log, Map<String, String> environment, List<String> arguments, boolean outputToLog) {
        List<String> command = new ArrayList<>(DEAF_TO_THE_TERMINAL);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(arguments);
        Redirect file = Redirect.appendTo(log.toFile());
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectInput(new File("/dev/null"))
                .redirectError(file)
                .redirectOutput(outputToLog ? file : Redirect.PIPE);
        builder.environment().putAll(environment);
        // what is said here is not to be in a file as well
        environment.keySet().forEach(set -> builder.environment().remove(set + "_FILE"));
        try {
            return new Child(name, builder.start(), log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Asks it to stop, and makes it when {@code patience} is over. */
    void stop(Duration patience) throws InterruptedException {
        process.destroy();
        if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
            process.destroyForcibly().waitFor();
        }
    }

    /** Which process ended, how, and the end of its log. */
    String obituary() {
        int code = process.exitValue();
        String how = code > SIGNALLED ? "was killed by signal " + (code - SIGNALLED) : "ended with exit code " + code;
        return "The " + name + " process " + how + ". The end of its log, " + log + ":\n" + lastLines();
    }

    private String lastLines() {
        try {
            List<String> lines = Files.readAllLines(log);
            return String.join("\n", lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size()));
        } catch (IOException e) {
            return "(the log cannot be read: " + e.getMessage() + ")";
        }
    }
}
