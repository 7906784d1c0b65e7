package dev.sluice.gateway;

import io.vertx.core.Handler;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A line of each request in NCSA's combined format, to the logger {@code access}. Vert.x-web's LoggerHandler has that format
 * too, but writes queries down, and sees the router's requests alone.
 */
final class AccessLog {
    /** Whether there is one, and how it looks. */
    enum Format {
        NONE,
        COMBINED
    }

    private static final Logger LOG = LoggerFactory.getLogger("access");
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ENGLISH)
            .withZone(ZoneOffset.UTC);
    /** Nginx's, for a sender that hung up before it was answered. */
    private static final int HUNG_UP = 499;

    private static final char FIRST_PRINTABLE = ' ';
    private static final char LAST_PRINTABLE = '~';

    private AccessLog() {}

    static Handler<HttpServerRequest> of(Handler<HttpServerRequest> handler) {
        return request -> {
            Instant received = Instant.now();
            // of a connection that is closed by then, too
            request.response().endHandler(ended -> LOG.info("{}", line(request, received)));
            handler.handle(request);
        };
    }

    private static String line(HttpServerRequest request, Instant received) {
        StringBuilder line = new StringBuilder(256);
        line.append(
                        request.remoteAddress() == null
                                ? "-"
                                : request.remoteAddress().hostAddress())
                .append(" - - [")
                .append(TIME.format(received))
                .append("] \"");
        escape(line, request.method().name());
        escape(line.append(' '), request.path());
        line.append(' ')
                .append(version(request.version()))
                .append("\" ")
                .append(request.response().ended() ? request.response().getStatusCode() : HUNG_UP)
                .append(' ')
                .append(request.response().bytesWritten())
                .append(" \"");
        escape(line, withoutQuery(request.getHeader(HttpHeaders.REFERER)));
        escape(line.append("\" \""), request.getHeader(HttpHeaders.USER_AGENT));
        return line.append('"').toString();
    }

    /** Of {@code HTTP_1_1}. */
    private static String version(HttpVersion version) {
        return version.name().replaceFirst("_", "/").replace('_', '.');
    }

    private static @Nullable String withoutQuery(@Nullable String url) {
        return url == null ? null : url.split("[?#]", 2)[0];
    }

    /** As Apache does: nothing of a sender ends a field or a line. */
    static void escape(StringBuilder line, @Nullable String text) {
        if (text == null || text.isEmpty()) {
            line.append('-');
            return;
        }
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                line.append('\\').append(c);
            } else if (c >= FIRST_PRINTABLE && c <= LAST_PRINTABLE) {
                line.append(c);
            } else {
                line.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            }
        }
    }
}
