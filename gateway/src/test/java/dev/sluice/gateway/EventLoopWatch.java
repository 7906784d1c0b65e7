package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.get;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.sun.management.GarbageCollectionNotificationInfo;
import com.sun.management.GcInfo;
import dev.sluice.events.Golden;
import dev.sluice.events.RealBroker;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.client.WebClient;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.Notification;
import javax.management.NotificationEmitter;
import javax.management.openmbean.CompositeData;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.slf4j.LoggerFactory;

/** Fails a test class in which Vert.x saw an event loop blocked, or Netty a buffer leaked. */
final class EventLoopWatch implements BeforeAllCallback, AfterAllCallback {
    private static final Pattern BLOCKED = Pattern.compile("has been blocked for (\\d+) ms");
    private static final long LIMIT_MILLIS = 100;
    /** Between two looks of Vert.x. */
    private static final long LOOK_MILLIS = 50;

    private static final Queue<Pause> PAUSES = new ConcurrentLinkedQueue<>();
    private static boolean classesRead;

    /** Of all threads, by the collector; milliseconds since 1970 UTC. */
    private record Pause(long start, long end) {
        static void note(Notification notification, Object unused) {
            GcInfo info = GarbageCollectionNotificationInfo.from((CompositeData) notification.getUserData())
                    .getGcInfo();
            long jvm = ManagementFactory.getRuntimeMXBean().getStartTime();
            PAUSES.add(new Pause(jvm + info.getStartTime(), jvm + info.getEndTime()));
        }

        long millisBetween(long from, long to) {
            return Math.max(0, Math.min(end, to) - Math.max(start, from));
        }
    }

    static {
        for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
            if (!collector.getName().contains("Concurrent")) {
                ((NotificationEmitter) collector)
                        .addNotificationListener(
                                Pause::note,
                                notification ->
                                        GarbageCollectionNotificationInfo.GARBAGE_COLLECTION_NOTIFICATION.equals(
                                                notification.getType()),
                                null);
            }
        }
    }

    private final long limitMillis;
    private final ListAppender<ILoggingEvent> warnings = new ListAppender<>();

    EventLoopWatch() {
        this(LIMIT_MILLIS);
    }

    /** @param limitMillis more than Vert.x warns at, where others than the gateway leave it less than a core */
    EventLoopWatch(long limitMillis) {
        this.limitMillis = limitMillis;
    }

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
                .filteredOn(
                        event -> isBlocked(event) || event.getFormattedMessage().contains("LEAK"))
                .extracting(ILoggingEvent::getFormattedMessage)
                .isEmpty();
    }

    /**
     * Whether it says so, and that was not a pause of the collector: where a browser wants both cores, threads of the collector wait for
     * one another, and all others for them.
     */
    private boolean isBlocked(ILoggingEvent event) {
        Matcher blocked = BLOCKED.matcher(event.getFormattedMessage());
        if (!blocked.find()) {
            return false;
        }
        long millis = Long.parseLong(blocked.group(1));
        long to = event.getTimeStamp();
        long paused = PAUSES.stream()
                .mapToLong(pause -> pause.millisBetween(to - millis - LOOK_MILLIS, to))
                .sum();
        return millis - paused >= limitMillis;
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
