package dev.sluice.streaming;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import dev.sluice.settings.LogLevels;
import dev.sluice.settings.LogLevels.Problem;
import java.io.IOException;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.config.Configurator;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** Levels of the driver's log, as on the gateway's private port: {@code GET /loggers}, {@code PUT /loggers/name}. */
final class Loggers implements HttpHandler {
    private static final org.slf4j.Logger LOG = LoggerFactory.getLogger(Loggers.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    /** That of logback; in log4j's own tables it has no name. */
    private static final String ROOT = "ROOT";

    private final LoggerContext context = LoggerContext.getContext(false);
    private final Map<String, Level> configured = new HashMap<>();

    Loggers() {
        context.getConfiguration()
                .getLoggers()
                .forEach((name, logger) -> configured.put(name, logger.getExplicitLevel()));
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        if (path.equals(LogLevels.PATH)) {
            if (isMethod(exchange, "GET")) {
                ObjectNode all = JSON.createObjectNode();
                levels().forEach((name, level) -> all.put(name, name(level)));
                Operations.answer(exchange, 200, "application/json", all.toString());
            }
        } else if (!path.startsWith(LogLevels.PATH + "/")) {
            problem(exchange, new Problem(404, "There is nothing at this path."));
        } else if (isMethod(exchange, "PUT") && isOfNoPage(exchange)) {
            change(exchange, path.substring(LogLevels.PATH.length() + 1));
        }
    }

    private static boolean isMethod(HttpExchange exchange, String allowed) throws IOException {
        if (exchange.getRequestMethod().equals(allowed)) {
            return true;
        }
        exchange.getResponseHeaders().set("Allow", allowed);
        problem(exchange, new Problem(405, "Use " + allowed + "."));
        return false;
    }

    private static boolean isOfNoPage(HttpExchange exchange) throws IOException {
        Headers headers = exchange.getRequestHeaders();
        Optional<Problem> problem = LogLevels.ofPage(headers.getFirst("Origin"), headers.getFirst("Content-Type"));
        if (problem.isPresent()) {
            problem(exchange, problem.get());
        }
        return problem.isEmpty();
    }

    private void change(HttpExchange exchange, String name) throws IOException {
        Level current = levels().get(name);
        if (current == null) {
            problem(exchange, LogLevels.NO_LOGGER);
            return;
        }
        byte[] body = exchange.getRequestBody().readNBytes(LogLevels.MAX_BODY_BYTES + 1);
        JsonNode level = body.length > LogLevels.MAX_BODY_BYTES ? null : level(body);
        if (level == null) {
            problem(exchange, new Problem(body.length > LogLevels.MAX_BODY_BYTES ? 413 : 400, LogLevels.LIKE_THIS));
        } else if (level.isNull()) {
            reset(name.equals(ROOT) ? "" : name);
            changed(exchange, name);
        } else if (level.isTextual() && LogLevels.isLevel(level.textValue())) {
            Configurator.setLevel(name.equals(ROOT) ? "" : name, Level.valueOf(level.textValue()));
            changed(exchange, name);
        } else {
            problem(exchange, LogLevels.NO_LEVEL);
        }
    }

    /** Null where the body is no JSON. */
    private static @Nullable JsonNode level(byte[] body) {
        try {
            return JSON.readTree(body).path("level");
        } catch (IOException e) {
            return null;
        }
    }

    private void reset(String name) {
        if (configured.containsKey(name)) {
            Configurator.setLevel(name, configured.get(name));
        } else {
            context.getConfiguration().removeLogger(name);
            context.updateLoggers();
        }
    }

    private void changed(HttpExchange exchange, String name) throws IOException {
        String now = name(context.getConfiguration()
                .getLoggerConfig(name.equals(ROOT) ? "" : name)
                .getLevel());
        LOG.warn("{} is logged from {} on", name, now);
        Operations.answer(
                exchange,
                200,
                "application/json",
                JSON.createObjectNode().put("level", now).toString());
    }

    /** Of all loggers that there are, and of the packages above them. */
    private Map<String, Level> levels() {
        Map<String, Level> levels = new TreeMap<>();
        for (Logger logger : context.getLoggers()) {
            String name = logger.getName();
            for (int end = name.length(); end > 0; end = name.lastIndexOf('.', end - 1)) {
                levels.computeIfAbsent(name.substring(0, end), this::level);
            }
        }
        configured.keySet().forEach(name -> levels.put(name.isEmpty() ? ROOT : name, level(name)));
        return levels;
    }

    private Level level(String name) {
        return context.getConfiguration().getLoggerConfig(name).getLevel();
    }

    private static String name(Level level) {
        return level.name().toLowerCase(Locale.ROOT);
    }

    private static void problem(HttpExchange exchange, Problem problem) throws IOException {
        ObjectNode body = JSON.createObjectNode()
                .put("title", Problem.TITLE)
                .put("status", problem.status())
                .put("detail", problem.detail());
        Operations.answer(exchange, problem.status(), "application/problem+json", body.toString());
    }
}
