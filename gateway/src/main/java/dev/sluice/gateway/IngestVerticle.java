package dev.sluice.gateway;

import static dev.sluice.events.Rejection.METHOD_NOT_ALLOWED;
import static dev.sluice.events.Rejection.NOT_FOUND;
import static dev.sluice.events.Rejection.UNSUPPORTED_ENCODING;
import static dev.sluice.events.Rejection.UNSUPPORTED_MEDIA_TYPE;

import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Takes events on one event loop: admit, read, validate, publish, respond. */
final class IngestVerticle extends VerticleBase {
    static final String PATH = "/api/events";

    /** {@code curl -d} without a header says that it sends a form; the body decides. */
    private static final Set<String> MEDIA_TYPES = Set.of("application/json", "application/x-www-form-urlencoded");

    /** Longer than an answer can take: see {@link ProducerSettings}. */
    private static final int IDLE_SECONDS = 60;

    private static final Duration DRAIN = Duration.ofSeconds(10);

    private final Settings settings;
    private final Publisher publisher;
    private final Metrics metrics;
    private final EventValidator validator = new EventValidator();
    private @Nullable HttpServer server;

    IngestVerticle(Settings settings, Publisher publisher, Metrics metrics) {
        this.settings = settings;
        this.publisher = publisher;
        this.metrics = metrics;
    }

    @Override
    public Future<?> start() {
        Responses responses = new Responses(metrics);
        Router router = Router.router(vertx);
        router.post(PATH).handler(context -> take(context, responses));
        router.route(PATH).handler(context -> {
            context.response().putHeader("Allow", "POST");
            responses.refuse(context, Refusal.of(METHOD_NOT_ALLOWED, "Send events with POST."));
        });
        router.route().handler(context -> responses.refuse(context, notFound()));
        router.route().failureHandler(responses::fail);
        server = vertx.createHttpServer(
                        new HttpServerOptions().setIdleTimeout(IDLE_SECONDS).setIdleTimeoutUnit(TimeUnit.SECONDS))
                .requestHandler(router);
        return server.listen(settings.httpPort(), settings.httpHost());
    }

    /** Takes no more connections, and ends those there are once their requests are answered. */
    @Override
    public Future<?> stop() {
        return server == null ? Future.succeededFuture() : server.shutdown(DRAIN);
    }

    private void take(RoutingContext context, Responses responses) {
        long receivedMillis = System.currentTimeMillis();
        metrics.begin();
        admit(context.request())
                .compose(request -> BodyReader.read(request, settings.maxEventBytes()))
                .compose(this::validate)
                .compose(event -> publisher.publish(event, receivedMillis))
                .onComplete(receipt -> {
                    metrics.end();
                    responses.answer(context, receipt);
                });
    }

    private static Future<HttpServerRequest> admit(HttpServerRequest request) {
        String encoding = request.getHeader("Content-Encoding");
        if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
            return Future.failedFuture(Refusal.of(UNSUPPORTED_ENCODING, "Send the event without Content-Encoding.")
                    .asException());
        }
        if (!isSupported(request.getHeader("Content-Type"))) {
            return Future.failedFuture(Refusal.of(UNSUPPORTED_MEDIA_TYPE, "Send application/json in UTF-8.")
                    .asException());
        }
        return Future.succeededFuture(request);
    }

    private static boolean isSupported(@Nullable String contentType) {
        if (contentType == null || contentType.isBlank()) {
            return true;
        }
        String[] parts = contentType.toLowerCase(Locale.ROOT).split(";", -1);
        for (int i = 1; i < parts.length; i++) {
            String parameter = parts[i].strip().replace("\"", "");
            if (parameter.startsWith("charset=") && !parameter.equals("charset=utf-8")) {
                return false;
            }
        }
        return MEDIA_TYPES.contains(parts[0].strip());
    }

    private Future<byte[]> validate(byte[] bytes) {
        return validator
                .check(bytes)
                .map(refusal -> Future.<byte[]>failedFuture(refusal.asException()))
                .orElseGet(() -> Future.succeededFuture(bytes));
    }

    private static Refusal notFound() {
        return Refusal.of(NOT_FOUND, "Events go to " + HttpMethod.POST + " " + PATH + ".");
    }
}
