package dev.sluice.gateway;

import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import java.time.Duration;

/**
 * The limit that {@code make bench} holds the gateway against: the same options, reads the body of a request and
 * answers 202.
 */
final class BareServer extends VerticleBase {
    private static final Duration IDLE = Duration.ofMinutes(1);

    private final int port;

    private BareServer(int port) {
        this.port = port;
    }

    /** @param arguments the port */
    public static void main(String[] arguments) {
        int port = Integer.parseInt(arguments[0]);
        Vertx vertx = Vertx.vertx();
        vertx.deployVerticle(
                        () -> new BareServer(port),
                        new DeploymentOptions()
                                .setInstances(Runtime.getRuntime().availableProcessors()))
                .onFailure(failure -> {
                    System.err.println(failure);
                    System.exit(1);
                });
    }

    @Override
    public Future<?> start() {
        return vertx.createHttpServer(IngestVerticle.options(new Connections(vertx, IDLE), IDLE))
                .requestHandler(request -> request.body()
                        .onSuccess(body -> request.response().setStatusCode(202).end()))
                .listen(port, "localhost");
    }
}
