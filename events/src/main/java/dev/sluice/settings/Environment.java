package dev.sluice.settings;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Reads settings and collects what is wrong with them, so that a start names every problem at once. */
public final class Environment {
    private final Map<String, String> variables;
    private final List<String> problems = new ArrayList<>();

    public Environment(Map<String, String> variables) {
        this.variables = Map.copyOf(variables);
    }

    /** The setting's value; its fallback, and a problem noted, where the variable cannot be read. */
    public <T> T get(Setting<T> setting) {
        String text = variables.getOrDefault(setting.name(), "").strip();
        if (!text.isEmpty()) {
            try {
                return setting.parser().apply(text);
            } catch (IllegalArgumentException e) {
                problem(setting.name() + "=" + text + ": must be " + setting.form());
            }
        }
        return setting.parser().apply(setting.fallback());
    }

    /** Whether the variable is there and not empty. */
    public boolean isSet(Setting<?> setting) {
        return !variables.getOrDefault(setting.name(), "").isBlank();
    }

    /**
     * Variables that start with {@code prefix}, under the names that Kafka's clients give them: with the prefix
     * {@code KAFKA_PRODUCER_}, {@code KAFKA_PRODUCER_LINGER_MS} is {@code linger.ms}.
     */
    public Map<String, String> kafkaClient(String prefix) {
        Map<String, String> found = new TreeMap<>();
        variables.forEach((name, value) -> {
            if (name.startsWith(prefix) && name.length() > prefix.length()) {
                String key = name.substring(prefix.length()).toLowerCase(Locale.ROOT);
                found.put(key.replace('_', '.'), value.strip());
            }
        });
        return found;
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
            throw new SettingsException(problems);
        }
    }
}
