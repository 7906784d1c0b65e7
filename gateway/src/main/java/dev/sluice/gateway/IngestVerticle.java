package dev.sluice.gateway;

import static dev.sluice.events.Rejection.HEADERS_TOO_LARGE;
import static dev.sluice.events.Rejection.INVALID_QUERY;
import static dev.sluice.events.Rejection.INVALID_REQUEST;
import static dev.sluice.events.Rejection.METHOD_NOT_ALLOWED;
import static dev.sluice.events.Rejection.NOT_FOUND;
import static dev.sluice.events.Rejection.UNSUPPORTED_ENCODING;
import static dev.sluice.events.Rejection.URI_TOO_LONG;

import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.MultiMap;
import io.vertx.core.VerticleBase;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerConfig;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.HttpException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Takes events on one event loop: admit, read, inflate, split, validate, publish, respond. */
final class IngestVerticle extends VerticleBase {
    static final String PATH = "/api/events";
    static final String IMAGE_PATH = "/api/events.gif";
    static final String CONTRACT_PATH = "/openapi.yaml";

    /** Longer than an answer can take: see {@link ProducerSettings}. */
    private static final Duration IDLE = Duration.ofSeconds(60);

    private static final Duration DRAIN = Duration.ofSeconds(10);

    /** Before the connections are closed on those that wait. */
    private static final Duration LAST_ANSWERS = Duration.ofSeconds(8);

    private static final long OVERDUE_POLL_MILLIS = 500;

    private final Settings settings;
    private final Publisher publisher;
    private final Metrics metrics;
    private final Tracing tracing;
    private final Responses responses;
    private final Bodies bodies;
    private final Buffer contract;
    private final Budget budget;
    private final Senders senders;
    private final @Nullable Certificates certificates;
    private final BooleanSupplier stopping;

    @SuppressWarnings("NullAway.Init") // by start(), which comes before every request
    private Admission admission;

    @SuppressWarnings("NullAway.Init")
    private Exchanges exchanges;

    private @Nullable HttpServer server;

    /**
     * Takes no requests yet.
     *
     * @param certificates null for HTTP
     * @param contract the OpenAPI document
     * @param stopping whether the port will be closed soon
     */
    IngestVerticle(
            Settings settings,
            Publisher publisher,
            Metrics metrics,
            Tracing tracing,
            Budget budget,
            Refusals refusals,
            Senders senders,
            @Nullable Certificates certificates,
            Buffer contract,
            BooleanSupplier stopping) {
        this.stopping = stopping;
        this.budget = budget;
        this.senders = senders;
        this.certificates = certificates;
        this.contract = contract;
        this.settings = settings;
        this.publisher = publisher;
        this.metrics = metrics;
        this.tracing = tracing;
        this.responses = new Responses(metrics, budget, refusals);
        this.bodies = new Bodies(settings);
    }

    @Override
    public Future<?> start() {
        Connections connections = new Connections(vertx, IDLE);
        admission = new Admission(vertx, budget, publisher, settings.bounds().bodyTimeout());
        exchanges = new Exchanges(
                settings,
                metrics,
                admission,
                senders,
                responses,
                request -> new Intake(context, publisher, metrics, System.currentTimeMillis(), tracing.begin(request)));
        long[] due = {System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(OVERDUE_POLL_MILLIS)};
        vertx.setPeriodic(OVERDUE_POLL_MILLIS, timer -> {
            long now = System.nanoTime();
            metrics.late(Math.max(0, now - due[0]));
            due[0] = now + TimeUnit.MILLISECONDS.toNanos(OVERDUE_POLL_MILLIS);
            exchanges.failOverdue();
        });
        HttpServer created = server(connections)
                .connectionHandler(connections::opened)
                .requestHandler(logged(handler(connections, router(connections))))
                .invalidRequestHandler(
                        logged(request -> responses.refuseAndClose(request.response(), invalid(request))));
        server = created;
        return created.listen(settings.httpPort(), settings.httpHost()).onSuccess(listening -> {
            if (certificates != null) {
                certificates.serve(created);
            }
        });
    }

    /**
     * Takes no more connections, and ends those there are once their requests are answered; those that Kafka does not
     * acknowledge in time are told so.
     */
    @Override
    public Future<?> stop() {
        vertx.setTimer(LAST_ANSWERS.toMillis(), timer -> exchanges.failAll());
        return server == null ? Future.succeededFuture() : server.shutdown(DRAIN);
    }

    private HttpServer server(Connections connections) {
        HttpServerOptions options =
                options(connections, settings.bounds().bodyTimeout().plus(IDLE));
        return certificates == null
                ? vertx.createHttpServer(options)
                : vertx.createHttpServer(new HttpServerConfig(options), certificates.options());
    }

    /** @param longestRequest as {@link Connections#limit} takes it */
    static HttpServerOptions options(Connections connections, Duration longestRequest) {
        // no request may become a web socket, and each would be looked at for that
        HttpServerOptions options = new HttpServerOptions()
                .setPerFrameWebSocketCompressionSupported(false)
                .setPerMessageWebSocketCompressionSupported(false);
        return connections.limit(options, longestRequest);
    }

    /** Events of no other origin's pages, which are nearly all, take the short way: the router costs as much as they. */
    private Handler<HttpServerRequest> handler(Connections connections, Router router) {
        boolean anyOrigin = !settings.corsOrigins().isEmpty();
        return request -> {
            if (stopping.getAsBoolean() && request.version() != HttpVersion.HTTP_2) {
                // sent on this connection, the next request might meet its end and have no answer; HTTP/2 is told by
                // the server
                request.response().putHeader(HttpHeaders.CONNECTION, "close");
            }
            if (request.authority() == null) {
                // RFC 9112, 3.2; the router would take it for a defect
                connections.begin(request.connection()).ended();
                refuse(request, Refusal.of(INVALID_REQUEST, "Send one Host, and nothing but a host in it."));
            } else if (!anyOrigin && HttpMethod.POST.equals(request.method()) && PATH.equals(request.path())) {
                take(request, connections.begin(request.connection()));
            } else {
                router.handle(request);
            }
        };
    }

    private Handler<HttpServerRequest> logged(Handler<HttpServerRequest> handler) {
        return settings.accessLog() == AccessLog.Format.NONE ? handler : AccessLog.of(handler);
    }

    private Router router(Connections connections) {
        Router router = Router.router(vertx);
        router.route().handler(context -> {
            connections.begin(context.request().connection()).ended();
            context.next();
        });
        Browsers.cors(settings.corsOrigins()).ifPresent(router.route()::handler);
        router.post(PATH)
                .handler(context -> take(
                        context.request(), connections.begin(context.request().connection())));
        router.options(PATH).handler(new WebHookPermission(settings.webhookOrigins()));
        router.get(IMAGE_PATH)
                .handler(context ->
                        takeImage(context, connections.begin(context.request().connection())));
        router.route(CONTRACT_PATH)
                .method(HttpMethod.GET)
                .method(HttpMethod.HEAD)
                .handler(context -> context.response()
                        .putHeader("Content-Type", "application/yaml")
                        .end(contract));
        router.route(PATH).handler(context -> refuseMethod(context, "POST, OPTIONS"));
        router.route(IMAGE_PATH).handler(context -> refuseMethod(context, "GET"));
        router.route(CONTRACT_PATH).handler(context -> refuseMethod(context, "GET, HEAD"));
        router.route()
                .handler(context -> refuse(
                        context.request(),
                        Refusal.of(NOT_FOUND, "Events go to " + HttpMethod.POST + " " + PATH + ".")));
        router.route().failureHandler(responses::fail);
        // a path that the router cannot read comes to no handler
        router.errorHandler(
                400,
                context -> refuse(context.request(), Refusal.of(INVALID_REQUEST, "The path is not percent-encoded.")));
        return router;
    }

    private void take(HttpServerRequest request, Connections.Use use) {
        exchanges.serve(request, use, responses::answer, (sender, intake) -> {
            Format format = Format.of(request);
            String encoding = encoding(request);
            // composed, so that a defect becomes a failure, and that an answer
            return (permit, exchange) -> BodyReader.read(admission, request, settings.bounds(), permit)
                    .compose(body -> {
                        exchange.published();
                        return encoding.isEmpty()
                                ? bodies.take(sender, format, request, body, intake)
                                : Inflation.inflate(
                                                context,
                                                body,
                                                encoding,
                                                settings.bounds().inflatedBytes(),
                                                permit)
                                        .compose(inflated -> bodies.take(sender, format, request, inflated, intake));
                    });
        });
    }

    private void takeImage(RoutingContext routing, Connections.Use use) {
        exchanges.serve(routing.request(), use, responses::answerImage, (sender, intake) -> {
            MultiMap query = query(routing);
            return (permit, exchange) -> {
                exchange.published();
                return bodies.takeImage(sender, query, intake);
            };
        });
    }

    private static MultiMap query(RoutingContext routing) throws RefusedException {
        try {
            return routing.queryParams();
        } catch (HttpException e) {
            throw Refusal.of(INVALID_QUERY, "The query is not percent-encoded.").asException();
        }
    }

    private static String encoding(HttpServerRequest request) throws RefusedException {
        String encoding = request.getHeader(HttpHeaders.CONTENT_ENCODING);
        if (encoding == null) {
            return "";
        }
        if (!Inflation.isSupported(encoding.strip())) {
            throw Refusal.of(UNSUPPORTED_ENCODING, "Send one of " + Inflation.ENCODINGS + ", or none.")
                    .asException();
        }
        return encoding.strip();
    }

    private void refuseMethod(RoutingContext context, String allowed) {
        context.response().putHeader("Allow", allowed);
        refuse(context.request(), Refusal.of(METHOD_NOT_ALLOWED, "Use one of " + allowed + "."));
    }

    private void refuse(HttpServerRequest request, Refusal refusal) {
        exchanges.refuse(request, Sender.ANYONE.name(), refusal);
    }

    private static Refusal invalid(HttpServerRequest request) {
        Throwable cause = request.decoderResult().cause();
        String detail = String.valueOf(cause == null ? null : cause.getMessage());
        if (cause instanceof TooLongHttpLineException) {
            return Refusal.of(URI_TOO_LONG, "Send a shorter address: " + detail);
        }
        if (cause instanceof TooLongHttpHeaderException) {
            return Refusal.of(HEADERS_TOO_LARGE, "Send smaller headers: " + detail);
        }
        return Refusal.of(INVALID_REQUEST, detail);
    }
}
