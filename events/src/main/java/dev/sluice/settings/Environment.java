package dev.sluice.settings;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Reads settings and collects what is wrong with them, so that a start names every problem at once. The value of a
 * variable may be in a file instead, which the variable with {@code _FILE} behind its name says: secrets are mounted so.
 */
public final class Environment {
    private static final String FILE = "_FILE";
    /** Of the name that Kafka gives to such a variable. */
    private static final String PROPERTY_FILE = ".file";

    private final Map<String, String> variables;
    /** A setting may be read more than once. */
    private final Set<String> problems = new LinkedHashSet<>();

    public Environment(Map<String, String> variables) {
        this.variables = Map.copyOf(variables);
    }

    /** The setting's value; its fallback, and a problem noted, where the variable cannot be read. */
    public <T> T get(Setting<T> setting) {
        String text = value(setting.name());
        if (!text.isEmpty()) {
            try {
                return setting.parser().apply(text);
            } catch (IllegalArgumentException e) {
                problem(
                        isInFile(setting.name())
                                // what a file holds may be a secret
                                ? fileOf(setting.name()) + ": what it holds must be " + setting.form()
                                : setting.name() + "=" + text + ": must be " + setting.form());
            }
        }
        return setting.parser().apply(setting.fallback());
    }

    /** Whether the variable is there and not empty, or a file in its place. */
    public boolean isSet(Setting<?> setting) {
        return !variable(setting.name()).isEmpty() || isInFile(setting.name());
    }

    /**
     * Variables that start with {@code prefix}, under the names that the library they are for gives them: with the prefix
     * {@code KAFKA_PRODUCER_}, {@code KAFKA_PRODUCER_LINGER_MS} is {@code linger.ms}.
     *
     * @param names of the library's settings: one that ends in {@code .file} is itself, any other such variable says where the
     *     value of the one without it is
     */
    public Map<String, String> properties(String prefix, Set<String> names) {
        Map<String, String> found = new TreeMap<>();
        for (String name : variables.keySet()) {
            if (name.startsWith(prefix) && name.length() > prefix.length()) {
                String key =
                        name.substring(prefix.length()).toLowerCase(Locale.ROOT).replace('_', '.');
                if (names.contains(key)) {
                    found.put(key, variable(name));
                } else if (key.endsWith(PROPERTY_FILE)) {
                    found.put(
                            key.substring(0, key.length() - PROPERTY_FILE.length()),
                            value(name.substring(0, name.length() - FILE.length())));
                } else {
                    found.put(key, value(name));
                }
            }
        }
        return found;
    }

    private String value(String name) {
        if (!isInFile(name)) {
            return variable(name);
        }
        if (!variable(name).isEmpty()) {
            problem(name + " and " + name + FILE + " are both set: unset one of them");
        }
        return content(name);
    }

    private String content(String name) {
        try {
            String text = Files.readString(Path.of(variable(name + FILE))).replaceFirst("\\R\\z", "");
            if (text.isEmpty()) {
                problem(fileOf(name) + ": the file is empty");
            }
            return text;
        } catch (IOException | InvalidPathException e) {
            problem(fileOf(name) + ": no file of text that can be read ("
                    + e.getClass().getSimpleName() + ")");
            return "";
        }
    }

    private boolean isInFile(String name) {
        return !variable(name + FILE).isEmpty();
    }

    private String fileOf(String name) {
        return name + FILE + "=" + variable(name + FILE);
    }

    private String variable(String name) {
        return variables.getOrDefault(name, "").strip();
    }

    /** What to say when nothing can listen on the port that {@code setting} names. */
    public static String portTaken(Setting<Integer> setting, int port, String reason) {
        String advice = port == 5000
                ? " On macOS that may be the AirPlay Receiver (System Settings, General, AirDrop & Handoff)."
                : "";
        return setting.name() + "=" + port + ": the port cannot be had (" + reason
                + "). Stop what listens there, or set " + setting.name() + " to another." + advice;
    }

    public void problem(String problem) {
        problems.add(problem);
    }

    /**
     * Ends the reading.
     *
     * @throws SettingsException with all problems, one a line
     */
    public void check() {
        if (!problems.isEmpty()) {
            throw new SettingsException(List.copyOf(problems));
        }
    }
}
