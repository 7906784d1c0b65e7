package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import dev.sluice.settings.Environment;
import dev.sluice.settings.LogLevels;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** The private port: health and metrics. */
final class Operations implements AutoCloseable {
    private static final int THREADS = 4;
    private static final String JSON = "application/json";
    private static final String PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

    static {
        // seconds; without it, a few connections that never send their request would take all threads
        System.setProperty("sun.net.httpserver.maxReqTime", "5");
        System.setProperty("sun.net.httpserver.maxRspTime", "5");
    }

    private final HttpServer server;

    /** Notes it in {@code environment} where nothing can listen on the port. */
    static void checkPort(Environment environment, Settings settings) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(address(settings));
        } catch (IOException e) {
            environment.problem(Environment.portTaken(
                    Settings.STREAMING_PORT, settings.port(), settings.host() + ": " + e.getMessage()));
        }
    }

    /** Listens. */
    Operations(Settings settings, Metrics metrics, Health health) throws IOException {
        server = HttpServer.create(address(settings), 0);
        route("/metrics", exchange -> answer(exchange, 200, PROMETHEUS, metrics.scrape()));
        route("/health/live", exchange -> health(exchange, health.isLive(), "live", "stuck"));
        route("/health/ready", exchange -> health(exchange, health.isReady(), "ready", "not counting yet"));
        server.createContext(LogLevels.PATH, new Loggers());
        server.createContext("/", exchange -> answer(exchange, 404, JSON, "{\"status\":\"not found\"}"));
        server.setExecutor(
                new ThreadPoolExecutor(THREADS, THREADS, 1, TimeUnit.MINUTES, new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(task, "operations");
                    thread.setDaemon(true);
                    return thread;
                }));
        server.start();
    }

    @Override
    public void close() {
        server.stop(0);
    }

    /** A context of the server also has what is below its path. */
    private void route(String path, HttpHandler handler) {
        server.createContext(path, exchange -> {
            if (!exchange.getRequestURI().getPath().equals(path)) {
                answer(exchange, 404, JSON, "{\"status\":\"not found\"}");
            } else if (!exchange.getRequestMethod().equals("GET")) {
                exchange.getResponseHeaders().set("Allow", "GET");
                answer(exchange, 405, JSON, "{\"status\":\"method not allowed\"}");
            } else {
                handler.handle(exchange);
            }
        });
    }

    private static void health(HttpExchange exchange, boolean up, String good, String bad) throws IOException {
        answer(exchange, up ? 200 : 503, JSON, "{\"status\":\"" + (up ? good : bad) + "\"}");
    }

    static void answer(HttpExchange exchange, int status, String type, String text) throws IOException {
        byte[] body = text.getBytes(UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type);
        boolean head = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(status, head ? -1 : body.length);
        if (!head) {
            exchange.getResponseBody().write(body);
        }
        exchange.close();
    }

    private static InetSocketAddress address(Settings settings) {
        return new InetSocketAddress(settings.host(), settings.port());
    }
}
