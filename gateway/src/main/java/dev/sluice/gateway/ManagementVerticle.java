package dev.sluice.gateway;

import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** The private port: health, metrics, and what the counts are. */
final class ManagementVerticle extends VerticleBase {
    private final Settings settings;
    private final BooleanSupplier ready;
    private final Metrics metrics;
    private final Page page;
    private @Nullable CountsFeed feed;
    private Optional<CountsHistory> history = Optional.empty();

    ManagementVerticle(Settings settings, BooleanSupplier ready, Metrics metrics, Page page) {
        this.settings = settings;
        this.ready = ready;
        this.metrics = metrics;
        this.page = page;
    }

    @Override
    public Future<?> start() {
        CountsView view = new CountsView(settings.countsWindows(), CountsView.MOST_ROWS);
        CountsFeed counts = new CountsFeed(vertx, settings.countsTopic(), settings.producer(), view);
        feed = counts;
        history = settings.history().map(cassandra -> new CountsHistory(vertx, cassandra));
        Router router = Router.router(vertx);
        // Alive is whoever answers: a fleet must not restart because Kafka is down.
        router.get("/health/live").handler(context -> health(context, true, "live"));
        router.get("/health/ready")
                .handler(context ->
                        health(context, ready.getAsBoolean(), ready.getAsBoolean() ? "ready" : "waiting for Kafka"));
        router.get("/metrics").handler(this::metrics);
        CountsStream stream = new CountsStream(vertx, view, counts);
        metrics.watch(stream);
        page.mount(router);
        Loggers loggers = new Loggers();
        metrics.watch(loggers);
        loggers.mount(router);
        new CountsApi(vertx, view, counts, stream, history).mount(router);
        return vertx.createHttpServer()
                .requestHandler(router)
                .listen(settings.managementPort(), settings.managementHost())
                .onSuccess(listening -> {
                    counts.start();
                    stream.start();
                });
    }

    @Override
    public Future<?> stop() {
        return Future.join(
                feed == null ? Future.succeededFuture() : feed.close(),
                history.map(CountsHistory::close).orElse(Future.succeededFuture()));
    }

    private static void health(RoutingContext context, boolean up, String status) {
        context.response()
                .setStatusCode(up ? 200 : 503)
                .putHeader("Content-Type", "application/json")
                .end("{\"status\":\"" + status + "\"}");
    }

    private void metrics(RoutingContext context) {
        String accept = context.request().getHeader(HttpHeaders.ACCEPT);
        String type =
                accept != null && accept.contains("application/openmetrics-text") ? Metrics.OPEN_METRICS : Metrics.TEXT;
        vertx.executeBlocking(() -> metrics.scrape(type))
                .onSuccess(text ->
                        context.response().putHeader("Content-Type", type).end(text))
                .onFailure(context::fail);
    }
}
