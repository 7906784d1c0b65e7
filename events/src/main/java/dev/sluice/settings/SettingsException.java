package dev.sluice.settings;

import java.util.List;

/** A start that cannot go on: each problem says what is wrong and what to do. */
public final class SettingsException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public SettingsException(List<String> problems) {
        super(String.join(System.lineSeparator(), problems));
    }
}
