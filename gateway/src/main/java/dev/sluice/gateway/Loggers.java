package dev.sluice.gateway;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.settings.LogLevels;
import dev.sluice.settings.LogLevels.Problem;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
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
    private static final String PATH_OF_ONE = LogLevels.PATH + "/:name";
    /** Its level is that of logback.xml. */
    private static final String WITH_QUERIES = "io.vertx.ext.web.";

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
        router.get(LogLevels.PATH).handler(this::list);
        router.put(PATH_OF_ONE)
                .handler(BodyHandler.create(false).setBodyLimit(LogLevels.MAX_BODY_BYTES))
                .handler(Loggers::refusePages)
                .handler(this::change);
        router.route(LogLevels.PATH).handler(context -> refuseMethod(context, "GET"));
        router.route(PATH_OF_ONE).handler(context -> refuseMethod(context, "PUT"));
        router.route(PATH_OF_ONE)
                .failureHandler(context -> problem(context, new Problem(context.statusCode(), LogLevels.LIKE_THIS)));
    }

    private static void refuseMethod(RoutingContext routing, String allowed) {
        routing.response().putHeader("Allow", allowed);
        problem(routing, new Problem(405, "Use " + allowed + "."));
    }

    private static void problem(RoutingContext routing, Problem problem) {
        routing.response().setStatusCode(problem.status()).putHeader("Content-Type", "application/problem+json");
        ObjectNode body = JSON.createObjectNode()
                .put("title", Problem.TITLE)
                .put("status", problem.status())
                .put("detail", problem.detail());
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

    private static void refusePages(RoutingContext routing) {
        HttpServerRequest request = routing.request();
        LogLevels.ofPage(request.getHeader("Origin"), request.getHeader("Content-Type"))
                .ifPresentOrElse(problem -> problem(routing, problem), routing::next);
    }

    private void change(RoutingContext routing) {
        String name = routing.pathParam("name");
        Logger logger = context.exists(name);
        if (logger == null) {
            problem(routing, LogLevels.NO_LOGGER);
            return;
        }
        if ((name + ".").startsWith(WITH_QUERIES)) {
            problem(
                    routing,
                    new Problem(
                            403, "Below info, it writes down addresses with their queries, which no log here holds."));
            return;
        }
        try {
            Buffer body = routing.body().buffer();
            JsonNode level =
                    JSON.readTree(body == null ? new byte[0] : body.getBytes()).path("level");
            if (level.isNull()) {
                logger.setLevel(configured.get(name));
            } else if (level.isTextual() && LogLevels.isLevel(level.textValue())) {
                logger.setLevel(Level.toLevel(level.textValue()));
            } else {
                problem(routing, LogLevels.NO_LEVEL);
                return;
            }
        } catch (IOException e) {
            problem(routing, new Problem(400, LogLevels.LIKE_THIS));
            return;
        }
        LOG.warn("{} is logged from {} on", logger.getName(), name(logger.getEffectiveLevel()));
        json(routing, JSON.createObjectNode().put("level", name(logger.getEffectiveLevel())));
    }
}
