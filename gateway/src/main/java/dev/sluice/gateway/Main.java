package dev.sluice.gateway;

import ch.qos.logback.classic.LoggerContext;
import dev.sluice.settings.Environment;
import dev.sluice.settings.SettingsException;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Starts the gateway; SIGTERM and SIGINT stop it in order. */
public final class Main {
    private static final Logger LOG = LoggerFactory.getLogger(Main.class);
    private static final long BLOCKED_MILLIS = 100;
    private static final Duration STOP = Duration.ofSeconds(15);

    private Main() {}

    public static void main(String[] arguments) throws InterruptedException {
        // a sender that begins TLS anew over and over costs much more than it pays
        System.setProperty("jdk.tls.rejectClientInitiatedRenegotiation", "true");
        try {
            Settings settings = Settings.read(new Environment(System.getenv()));
            Gateway gateway = new Gateway(
                    Vertx.builder()
                            .with(watchful())
                            .withTransport(ConnectionLimit.transport(settings.connections()))
                            .build(),
                    settings);
            gateway.start().toCompletionStage().toCompletableFuture().get();
            Runtime.getRuntime()
                    .addShutdownHook(
                            new Thread(() -> stop(gateway, settings.drainDelay().plus(STOP)), "stop"));
            LOG.info(
                    "Events: {}://{}:{}{}  Health and metrics: http://{}:{}",
                    settings.tls().isPresent() ? "https" : "http",
                    settings.httpHost(),
                    settings.httpPort(),
                    IngestVerticle.PATH,
                    settings.managementHost(),
                    settings.managementPort());
        } catch (SettingsException e) {
            exit(String.valueOf(e.getMessage()));
        } catch (ExecutionException e) {
            exit(String.valueOf(e.getCause() == null ? e : e.getCause().getMessage()));
        }
    }

    /** The log says when an event loop was blocked for longer than a sender should notice. */
    private static VertxOptions watchful() {
        return new VertxOptions()
                .setBlockedThreadCheckInterval(BLOCKED_MILLIS / 2)
                .setBlockedThreadCheckIntervalUnit(TimeUnit.MILLISECONDS)
                .setMaxEventLoopExecuteTime(BLOCKED_MILLIS)
                .setMaxEventLoopExecuteTimeUnit(TimeUnit.MILLISECONDS);
    }

    private static void exit(String problems) {
        System.err.println("The gateway cannot start:");
        System.err.println(problems);
        System.exit(1);
    }

    private static void stop(Gateway gateway, Duration patience) {
        int status = 0;
        try {
            gateway.stop().toCompletionStage().toCompletableFuture().get(patience.toMillis(), TimeUnit.MILLISECONDS);
            LOG.info("Stopped");
        } catch (ExecutionException | TimeoutException | InterruptedException e) {
            LOG.error("Not everything could be stopped in order", e);
            status = 1;
        }
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext logs) {
            logs.stop();
        }
        // a JVM that a signal ends would report 143 for a stop that went well
        Runtime.getRuntime().halt(status);
    }
}
