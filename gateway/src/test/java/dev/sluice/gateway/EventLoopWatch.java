package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.get;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.sluice.events.Golden;
import dev.sluice.events.RealBroker;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.client.WebClient;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.slf4j.LoggerFactory;

/** Fails a test class in which Vert.x saw an event loop blocked, or Netty a buffer leaked. */
final class EventLoopWatch implements BeforeAllCallback, AfterAllCallback {
    private static boolean classesRead;

    private final ListAppender<ILoggingEvent> warnings = new ListAppender<>();

    @Override
    public void beforeAll(ExtensionContext context) throws Exception {
        if (!classesRead) {
            readClasses();
            classesRead = true;
        }
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

    /** The first start of a JVM reads some thousand classes, on a busy machine for longer than the watch allows; no sender is there yet. */
    private static void readClasses() throws Exception {
        Vertx vertx = Vertx.vertx(new VertxOptions()
                .setPreferNativeTransport(true)
                .setBlockedThreadCheckInterval(1)
                .setBlockedThreadCheckIntervalUnit(TimeUnit.HOURS));
        Settings settings = Fixture.settings(RealBroker.freePort(), Map.of());
        Gateway gateway = new Gateway(vertx, settings);
        get(gateway.start());
        WebClient client = WebClient.create(vertx);
        get(client.post(settings.httpPort(), "localhost", IngestVerticle.PATH)
                .sendBuffer(Buffer.buffer(Golden.PROTOTYPE)));
        Fixture.management(client, settings, "/metrics");
        client.close();
        get(gateway.stop());
    }
}
