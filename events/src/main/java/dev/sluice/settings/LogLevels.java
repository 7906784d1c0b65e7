package dev.sluice.settings;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the private ports of gateway and driver have in common where levels of their logs are changed: {@code GET /loggers},
 * {@code PUT /loggers/name} of {@code {"level":"debug"}}, or of {@code null} for the level of the start.
 */
public final class LogLevels {
    public static final String PATH = "/loggers";

    /** Of a request. */
    public static final int MAX_BODY_BYTES = 1_000;

    private static final List<String> LEVELS = List.of("trace", "debug", "info", "warn", "error", "off");

    /** Any other logger would be made, and stay. */
    public static final Problem NO_LOGGER =
            new Problem(404, "There is no logger of this name: GET " + PATH + " lists them.");

    public static final Problem NO_LEVEL = new Problem(
            400, "level is one of " + String.join(", ", LEVELS) + ", or null for what it was at the start.");

    /** What a request that cannot be read is to look like. */
    public static final String LIKE_THIS = "Send {\"level\":\"debug\"}.";

    private LogLevels() {}

    /**
     * Why a level was not changed.
     *
     * @param status of HTTP
     */
    public record Problem(int status, String detail) {
        public static final String TITLE = "The level was not changed.";
    }

    /** Whether it is one, in either case. */
    public static boolean isLevel(String level) {
        return LEVELS.contains(level.toLowerCase(Locale.ROOT));
    }

    /**
     * Why a request could be one of a page, if it could.
     *
     * <p>A page of whatever origin may not change a level in the browser of an operator: this media type and method are none
     * that one sends without asking first, and where a name that it controls leads here, it is not asked; but a browser says
     * then whose page it is.
     *
     * @param origin the header of that name
     * @param type {@code Content-Type}
     */
    public static Optional<Problem> ofPage(@Nullable String origin, @Nullable String type) {
        if (origin != null) {
            return Optional.of(new Problem(403, "Levels are not for pages: send it without Origin."));
        }
        return type != null && type.toLowerCase(Locale.ROOT).matches("application/json\\s*(;.*)?")
                ? Optional.empty()
                : Optional.of(new Problem(415, "Send it as application/json."));
    }
}
