package dev.sluice.gateway;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.slf4j.LoggerFactory;

/** Levels of the log, on the private port: {@code GET /loggers}, {@code PUT /loggers/name} of {@code {"level":"debug"}}. */
final class Loggers {
    private static final org.slf4j.Logger LOG = LoggerFactory.getLogger(Loggers.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String PATH = "/loggers";
    private static final String PATH_OF_ONE = PATH + "/:name";
    /** Its level is that of logback.xml. */
    private static final String WITH_QUERIES = "io.vertx.ext.web.";

    private static final int MAX_BODY_BYTES = 1_000;
    private static final List<String> LEVELS = List.of("trace", "debug", "info", "warn", "error", "off");

    private final LoggerContext context;
    private final Map<String, Level> configured = new HashMap<>();
    private final List<LossyAppender> appenders = new ArrayList<>();

    Loggers() {
        context = (LoggerContext) LoggerFactory.getILoggerFactory();
        for (Logger logger : context.getLoggerList()) {
            if (logger.getLevel() != null) {
                configured.put(logger.getName(), logger.getLevel());
            }
            logger.iteratorForAppenders().forEachRemaining(appender -> {
                if (appender instanceof LossyAppender lossy) {
                    appenders.add(lossy);
                }
            });
        }
    }

    /** Lines that were not written. */
    long dropped() {
        return appenders.stream().mapToLong(LossyAppender::dropped).sum();
    }

    void mount(Router router) {
        router.get(PATH).handler(this::list);
        router.put(PATH_OF_ONE)
                .handler(BodyHandler.create(false).setBodyLimit(MAX_BODY_BYTES))
                .handler(Loggers::refusePages)
                .handler(this::change);
        router.route(PATH).handler(context -> refuseMethod(context, "GET"));
        router.route(PATH_OF_ONE).handler(context -> refuseMethod(context, "PUT"));
        router.route(PATH_OF_ONE)
                .failureHandler(context -> problem(context, context.statusCode(), "Send {\"level\":\"debug\"}."));
    }

    private static void refuseMethod(RoutingContext routing, String allowed) {
        routing.response().putHeader("Allow", allowed);
        problem(routing, 405, "Use " + allowed + ".");
    }

    private static void problem(RoutingContext routing, int status, String detail) {
        routing.response().setStatusCode(status).putHeader("Content-Type", "application/problem+json");
        ObjectNode body = JSON.createObjectNode()
                .put("title", "The level was not changed.")
                .put("status", status)
                .put("detail", detail);
        routing.response().end(body.toString());
    }

    private static void json(RoutingContext routing, ObjectNode body) {
        routing.response().putHeader("Content-Type", "application/json").end(body.toString());
    }

    private static String name(Level level) {
        return level.levelStr.toLowerCase(Locale.ROOT);
    }

    private void list(RoutingContext routing) {
        ObjectNode all = JSON.createObjectNode();
        for (Logger logger : context.getLoggerList()) {
            all.put(logger.getName(), name(logger.getEffectiveLevel()));
        }
        json(routing, all);
    }

    /**
     * A page of whatever origin may not change it in the browser of an operator: this media type and method are none that one
     * sends without asking first, and where a name that it controls leads here, it is not asked; but a browser says then whose
     * page it is.
     */
    private static void refusePages(RoutingContext routing) {
        String type = routing.request().getHeader("Content-Type");
        if (routing.request().getHeader("Origin") != null) {
            problem(routing, 403, "Levels are not for pages: send it without Origin.");
        } else if (type == null || !type.toLowerCase(Locale.ROOT).matches("application/json\\s*(;.*)?")) {
            problem(routing, 415, "Send it as application/json.");
        } else {
            routing.next();
        }
    }

    private void change(RoutingContext routing) {
        String name = routing.pathParam("name");
        // any other would be made, and stay
        Logger logger = context.exists(name);
        if (logger == null) {
            problem(routing, 404, "There is no logger of this name: GET " + PATH + " lists them.");
            return;
        }
        if ((name + ".").startsWith(WITH_QUERIES)) {
            problem(routing, 403, "Below info, it writes down addresses with their queries, which no log here holds.");
            return;
        }
        try {
            Buffer body = routing.body().buffer();
            JsonNode level =
                    JSON.readTree(body == null ? new byte[0] : body.getBytes()).path("level");
            if (level.isNull()) {
                logger.setLevel(configured.get(name));
            } else if (level.isTextual() && LEVELS.contains(level.textValue().toLowerCase(Locale.ROOT))) {
                logger.setLevel(Level.toLevel(level.textValue()));
            } else {
                problem(
                        routing,
                        400,
                        "level is one of " + String.join(", ", LEVELS) + ", or null for what it was at the start.");
                return;
            }
        } catch (IOException e) {
            problem(routing, 400, "Send {\"level\":\"debug\"}.");
            return;
        }
        LOG.warn("{} is logged from {} on", logger.getName(), name(logger.getEffectiveLevel()));
        json(routing, JSON.createObjectNode().put("level", name(logger.getEffectiveLevel())));
    }
}
