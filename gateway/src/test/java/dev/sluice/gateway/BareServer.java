package dev.sluice.gateway;

import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;

/** The limit that {@code make bench} holds the gateway against: reads the body of a request and answers 202. */
final class BareServer extends VerticleBase {
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
        return vertx.createHttpServer(new HttpServerOptions())
                .requestHandler(request -> request.body()
                        .onSuccess(body -> request.response().setStatusCode(202).end()))
                .listen(port, "localhost");
    }
}
