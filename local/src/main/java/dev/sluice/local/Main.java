package dev.sluice.local;

import dev.sluice.events.RealS3;
import dev.sluice.settings.Environment;
import dev.sluice.settings.SettingsException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** {@code make run-local}: starts everything, shows the counts, stops everything. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws InterruptedException {
        Settings settings = settings();
        LocalSystem system = new LocalSystem(settings, System.out);
        AtomicInteger status = new AtomicInteger();
        AtomicBoolean stopping = new AtomicBoolean();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(system, stopping, status), "stop"));
        String failure;
        try {
            System.out.println("Starting Sluice; Ctrl-C stops it.");
            system.start();
            System.out.println(banner(settings));
            system.showCounts();
            failure = system.awaitDeath().obituary();
        } catch (ChildDiedException e) {
            failure = String.valueOf(e.getMessage());
        }
        // one that ends because it was told to is no failure
        if (!stopping.get()) {
            System.err.println(failure);
            System.err.println("Stopping the rest.");
            status.set(1);
            System.exit(1);
        }
    }

    private static Settings settings() {
        Environment environment = new Environment(System.getenv());
        try {
            return Settings.read(environment, Path.of("").toAbsolutePath());
        } catch (SettingsException e) {
            System.err.println("Sluice cannot start:");
            System.err.println(e.getMessage());
            System.exit(1);
            throw e;
        }
    }

    private static void stop(LocalSystem system, AtomicBoolean stopping, AtomicInteger status) {
        stopping.set(true);
        try {
            system.stop();
            if (status.get() == 0) {
                System.out.println("Stopped.");
            }
        } catch (InterruptedException e) {
            status.set(1);
        }
        // a JVM that a signal ends would report 130 or 143 for a stop that went well
        Runtime.getRuntime().halt(status.get());
    }

    private static String store(Settings settings) {
        return settings.store() == Settings.Store.CASSANDRA
                ? "  store    localhost:" + settings.cassandraPort() + ", keyspace sluice (Cassandra, kept in "
                        + settings.data().resolve("cassandra") + ")\n"
                : "";
    }

    private static String s3(Settings settings) {
        return settings.s3() == Settings.S3.LOCAL
                ? "  s3       http://localhost:" + settings.s3Port() + ", bucket " + RealS3.BUCKET + " (kept in "
                        + settings.data().resolve("s3") + ")\n"
                : "";
    }

    private static String banner(Settings settings) {
        String kafka = settings.ownBroker() ? "kept in " + settings.data().resolve("kafka") : "not started here";
        return """

            Sluice is running.
              page     http://localhost:%2$d/
              events   http://localhost:%1$d/api/events
              health   http://localhost:%2$d/health/ready    metrics  http://localhost:%2$d/metrics
              counts   http://localhost:%2$d/api/counts
              counting http://localhost:%3$d/health/ready    metrics  http://localhost:%3$d/metrics
              kafka    %4$s (%5$s)
            %7$s%8$s  logs     %6$s

            Send an event from another terminal:

              curl -XPOST -d '{"event_type":"user_click","params":{"key":"value"}}' http://localhost:%1$d/api/events

            Counts appear below and on the page within two seconds. FRESH=1 make run-local starts from nothing.
            """.formatted(
                        settings.httpPort(),
                        settings.managementPort(),
                        settings.streamingPort(),
                        settings.bootstrapServers(),
                        kafka,
                        settings.data().resolve("logs"),
                        store(settings),
                        s3(settings));
    }
}
