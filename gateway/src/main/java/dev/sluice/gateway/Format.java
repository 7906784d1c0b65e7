package dev.sluice.gateway;

import static dev.sluice.events.Rejection.UNSUPPORTED_MEDIA_TYPE;

import io.vertx.core.http.HttpServerRequest;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What the body holds, by its media type. */
enum Format {
    /** One event, or an array of events: the body decides. */
    JSON,
    /** An event a line. */
    LINES,
    /** The data of one CloudEvent, whose attributes are in the headers. */
    CLOUDEVENT_BINARY,
    /** One CloudEvent in the JSON format. */
    CLOUDEVENT,
    /** An array of those. */
    CLOUDEVENT_BATCH;

    /** @throws RefusedException for a media type that holds no event */
    static Format of(HttpServerRequest request) throws RefusedException {
        String contentType = request.getHeader("Content-Type");
        String[] parts = contentType == null
                ? new String[] {""}
                : contentType.toLowerCase(Locale.ROOT).split(";", -1);
        String type = parts[0].strip();
        if (!type.startsWith("application/cloudevents") && request.headers().contains("ce-specversion")) {
            return CLOUDEVENT_BINARY;
        }
        Format format = of(type);
        if (format == null || !isUtf8(parts)) {
            throw Refusal.of(
                            UNSUPPORTED_MEDIA_TYPE,
                            "Send application/json, application/x-ndjson, application/cloudevents+json or"
                                    + " application/cloudevents-batch+json, in UTF-8.")
                    .asException();
        }
        return format;
    }

    private static @Nullable Format of(String type) {
        return switch (type) {
            // curl -d without a header says that it sends a form, a page's beacon that it sends text
            case "", "application/json", "application/x-www-form-urlencoded", "text/plain" -> JSON;
            case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines" -> LINES;
            case "application/cloudevents+json" -> CLOUDEVENT;
            case "application/cloudevents-batch+json" -> CLOUDEVENT_BATCH;
            default -> null;
        };
    }

    private static boolean isUtf8(String[] parts) {
        for (int i = 1; i < parts.length; i++) {
            String parameter = parts[i].strip().replace("\"", "");
            if (parameter.startsWith("charset=") && !parameter.equals("charset=utf-8")) {
                return false;
            }
        }
        return true;
    }
}
