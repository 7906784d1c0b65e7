package dev.sluice.settings;

import java.util.Locale;

/** How lines of the log look. */
public enum LogFormat {
    AUTO,
    JSON,
    TEXT;

    public static final Setting<LogFormat> SETTING = Setting.choice(
            LogFormat.class,
            "LOG_FORMAT",
            AUTO,
            "`json`: each line of the log is an object; `text`: it is for people; `auto`: text on a terminal, and JSON elsewhere");

    /** {@code json} or {@code text}. */
    public static String of(Environment environment) {
        LogFormat format = environment.get(SETTING);
        return (format == AUTO ? isTerminal() ? TEXT : JSON : format).name().toLowerCase(Locale.ROOT);
    }

    /** Whether both standard input and output are; Java tells no more. */
    @SuppressWarnings("SystemConsoleNull") // see the property
    private static boolean isTerminal() {
        // or Java 22 to 24 have a console without a terminal
        System.setProperty("jdk.console", "java.base");
        return System.console() != null;
    }
}
