package dev.sluice.streaming;

import dev.sluice.settings.Environment;
import dev.sluice.settings.LogFormat;
import org.apache.logging.log4j.core.config.Configurator;

/** The log's format, which log4j2.properties looks up: JSON where nobody says anything, on executors for example. */
final class Logs {
    private static final String PROPERTY = "sluice.log";

    private Logs() {}

    /** Comes before the first line of the log, but of those that spark-submit writes. */
    static void begin(Environment environment) {
        String format = LogFormat.of(environment);
        System.setProperty(PROPERTY, format);
        if (System.getProperty("SPARK_SUBMIT") != null && format.equals("text")) {
            Configurator.reconfigure();
        }
    }
}
