package dev.sluice.gateway;

import ch.qos.logback.core.PropertyDefinerBase;
import dev.sluice.settings.Environment;
import dev.sluice.settings.LogFormat;

/** For logback.xml: the name of the appender that writes in the format of {@code LOG_FORMAT}. */
public final class LogFormatProperty extends PropertyDefinerBase {
    @Override
    public String getPropertyValue() {
        return LogFormat.of(new Environment(System.getenv()));
    }
}
