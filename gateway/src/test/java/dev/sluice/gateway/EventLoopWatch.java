package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.slf4j.LoggerFactory;

/** Fails a test class in which Vert.x saw an event loop blocked, or Netty a buffer leaked. */
final class EventLoopWatch implements BeforeAllCallback, AfterAllCallback {
    private final ListAppender<ILoggingEvent> warnings = new ListAppender<>();

    @Override
    public void beforeAll(ExtensionContext context) {
        LoggerContext logs = (LoggerContext) LoggerFactory.getILoggerFactory();
        warnings.setContext(logs);
        warnings.start();
        logs.getLogger(Logger.ROOT_LOGGER_NAME).addAppender(warnings);
    }

    @Override
    public void afterAll(ExtensionContext context) {
        assertThat(warnings.list)
                .filteredOn(event -> event.getLevel().isGreaterOrEqual(Level.WARN))
                .extracting(ILoggingEvent::getFormattedMessage)
                .noneMatch(message -> message.contains("has been blocked") || message.contains("LEAK"));
    }
}
