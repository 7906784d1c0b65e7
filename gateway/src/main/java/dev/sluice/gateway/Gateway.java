package dev.sluice.gateway;

import dev.sluice.settings.Environment;
import dev.sluice.settings.Setting;
import dev.sluice.settings.SettingsException;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.io.InputStream;
import java.net.BindException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The running whole: one publisher, an ingest verticle a core, the management port. */
final class Gateway {
    private static final long MEASURE_MILLIS = 1_000;

    /** What is read once, and sent as it is. */
    private record Files(Buffer contract, Page page) {}

    private final Senders senders;
    private final @Nullable Certificates certificates;

    private final Vertx vertx;
    private final Settings settings;
    private final Metrics metrics = new Metrics();
    private final Tracing tracing;
    private final Refusals refusals = new Refusals();
    private final KafkaPublisher kafka;
    private final Budget budget;
    private volatile Publisher publisher;
    private volatile boolean stopping;

    Gateway(Vertx vertx, Settings settings) {
        this.vertx = vertx;
        this.settings = settings;
        this.senders = new Senders(settings);
        this.certificates =
                settings.tls().map(tls -> new Certificates(vertx, tls)).orElse(null);
        this.budget = new Budget(settings.inFlightBytes(), settings.largestRequest());
        metrics.watch(budget);
        this.tracing = new Tracing(settings.tracing(), settings.topics());
        this.kafka = new KafkaPublisher(
                vertx,
                settings.topics(),
                settings.producer(),
                settings.spoolFolder().isPresent() ? Breaker.SHORT_PATIENCE : Breaker.PATIENCE,
                metrics::watch);
        this.publisher = kafka;
    }

    /**
     * Listens on both ports and begins to look for Kafka; does not wait for it.
     *
     * @return fails with a {@link SettingsException} that names each port that cannot be had
     */
    Future<Void> start() {
        return vertx.executeBlocking(this::load).compose(this::deploy);
    }

    /**
     * Opens the spool, and reads the OpenAPI document and the classes of the first event, which would otherwise hold its event loop for the
     * time that reading some hundred of them takes.
     */
    private Files load() throws IOException {
        EventValidator validator = new EventValidator(settings.bounds(), settings.keys());
        for (String text : List.of("{\"event_type\":\"a\",\"timestamp\":1}", "{")) {
            if (validator.check(text.getBytes(StandardCharsets.UTF_8)) instanceof Refusal refusal) {
                Responses.problem(refusal);
            }
        }
        if (certificates != null) {
            certificates.load();
        }
        senders.load();
        settings.spoolFolder().ifPresent(this::openSpool);
        try (InputStream in = Objects.requireNonNull(Gateway.class.getResourceAsStream("openapi.yaml"))) {
            return new Files(Buffer.buffer(in.readAllBytes()), Page.load(settings));
        }
    }

    private void openSpool(Path folder) {
        try {
            Spool spool = new Spool(folder, settings.spoolBytes());
            SpoolingPublisher spooling = new SpoolingPublisher(vertx, kafka, spool, folder);
            metrics.watch(spooling);
            publisher = spooling;
        } catch (IOException e) {
            throw new SettingsException(
                    List.of(Settings.SPOOL_DIR.name() + "=" + folder + ": the spool cannot be opened: " + e));
        }
    }

    private Future<Void> deploy(Files files) {
        Future<String> ingest = vertx.deployVerticle(
                () -> new IngestVerticle(
                        settings,
                        publisher,
                        metrics,
                        tracing,
                        budget,
                        refusals,
                        senders,
                        certificates,
                        files.contract,
                        () -> stopping),
                new DeploymentOptions().setInstances(Runtime.getRuntime().availableProcessors()));
        Future<String> management =
                vertx.deployVerticle(new ManagementVerticle(settings, this::isReady, metrics, files.page));
        return Future.join(ingest, management)
                .onSuccess(both -> {
                    publisher.start();
                    refusals.watch(vertx);
                    senders.watch(vertx);
                    if (certificates != null) {
                        certificates.watch(vertx);
                    }
                    vertx.setPeriodic(MEASURE_MILLIS, timer -> budget.measure());
                })
                .<Void>mapEmpty()
                .recover(cause -> Future.failedFuture(new SettingsException(Stream.concat(
                                problem(ingest, Settings.HTTP_PORT, settings.httpPort()).stream(),
                                problem(management, Settings.MANAGEMENT_PORT, settings.managementPort()).stream())
                        .toList())));
    }

    /** Whether events can be taken, and will be for a while. */
    private boolean isReady() {
        return publisher.isReady() && !stopping;
    }

    /** Lets load balancers know, answers what is in flight, hands everything to Kafka, then lets go. */
    Future<Void> stop() {
        stopping = true;
        // not of a context: that would end with Vert.x, and nobody would hear of it
        Promise<Void> drained = Promise.promise();
        vertx.setTimer(settings.drainDelay().toMillis(), timer -> drain().onComplete(drained));
        return drained.future().eventually(this::sendSpans).eventually(() -> {
            metrics.close();
            refusals.say();
            return vertx.close();
        });
    }

    private Future<Void> sendSpans() {
        return vertx.executeBlocking(() -> {
            tracing.close();
            return null;
        });
    }

    private Future<Void> drain() {
        return Future.join(vertx.deploymentIDs().stream().map(vertx::undeploy).toList())
                .<Void>mapEmpty()
                .eventually(() -> publisher.close());
    }

    private static List<String> problem(Future<String> deployment, Setting<Integer> setting, int port) {
        if (deployment.succeeded()) {
            return List.of();
        }
        Throwable cause = deployment.cause();
        return List.of(
                cause instanceof BindException
                        ? Environment.portTaken(setting, port, String.valueOf(cause.getMessage()))
                        : setting.name() + "=" + port + ": " + cause.getMessage());
    }
}
