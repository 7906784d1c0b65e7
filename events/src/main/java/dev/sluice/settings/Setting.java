package dev.sluice.settings;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One environment variable.
 *
 * @param name the variable
 * @param fallback what stands in when it is unset or empty, in the variable's own form; empty for "not set"
 * @param meaning one phrase for the README's table
 * @param form what a value looks like, for the message that refuses one
 * @param parser throws {@link IllegalArgumentException} for a value that has not that form
 */
public record Setting<T>(
        String name, String fallback, String meaning, String form, Function<String, ? extends T> parser) {

    private static final Pattern DURATION = Pattern.compile("(\\d{1,9})\\s*(ms|s|m|h|d)");

    public static Setting<String> text(String name, String fallback, String meaning) {
        return new Setting<>(name, fallback, meaning, "a text", Function.identity());
    }

    public static Setting<Integer> port(String name, String fallback, String meaning) {
        return integer(name, fallback, meaning, 1, 65_535);
    }

    public static Setting<Integer> integer(String name, String fallback, String meaning, int least, int most) {
        return new Setting<>(name, fallback, meaning, "a whole number from " + least + " to " + most, text -> {
            int value = Integer.parseInt(text);
            if (value < least || value > most) {
                throw new IllegalArgumentException(text);
            }
            return value;
        });
    }

    /** A whole number with a unit, {@code 500ms} to {@code 7d}; never zero. */
    public static Setting<Duration> duration(String name, String fallback, String meaning) {
        return new Setting<>(
                name, fallback, meaning, "a duration such as 500ms, 10s, 5m, 1h or 7d", Setting::parseDuration);
    }

    /** A duration, or nothing: what that means is for {@code meaning} to say. */
    public static Setting<Optional<Duration>> optionalDuration(String name, String meaning) {
        Setting<Duration> duration = duration(name, "", meaning);
        return new Setting<>(
                name,
                "",
                meaning,
                duration.form(),
                text -> text.isEmpty() ? Optional.empty() : Optional.of(parseDuration(text)));
    }

    /** A point in time, or nothing: what that means is for {@code meaning} to say. */
    public static Setting<Optional<Instant>> optionalInstant(String name, String meaning) {
        return new Setting<>(name, "", meaning, "a time such as 2026-11-24T06:50:00Z", text -> {
            try {
                return text.isEmpty() ? Optional.empty() : Optional.of(Instant.parse(text));
            } catch (DateTimeParseException e) {
                throw new IllegalArgumentException(text, e);
            }
        });
    }

    public static Setting<Path> path(String name, String fallback, String meaning) {
        return new Setting<>(name, fallback, meaning, "a path", Path::of);
    }

    /** Values with commas between them; none by default. */
    public static Setting<List<String>> list(String name, String meaning, String form, Pattern item) {
        return new Setting<>(name, "", meaning, form + ", or several with commas between them", text -> {
            List<String> items = Pattern.compile(",")
                    .splitAsStream(text)
                    .map(String::strip)
                    .filter(part -> !part.isEmpty())
                    .toList();
            if (!items.stream().allMatch(part -> item.matcher(part).matches())) {
                throw new IllegalArgumentException(text);
            }
            return items;
        });
    }

    public static <E extends Enum<E>> Setting<E> choice(Class<E> type, String name, E fallback, String meaning) {
        String choices = String.join(
                " or ",
                java.util.Arrays.stream(type.getEnumConstants())
                        .map(Setting::lower)
                        .toList());
        return new Setting<>(
                name, lower(fallback), meaning, choices, text -> Enum.valueOf(type, text.toUpperCase(Locale.ROOT)));
    }

    private static String lower(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    private static Duration parseDuration(String text) {
        Matcher matcher = DURATION.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(text);
        }
        long amount = Long.parseLong(matcher.group(1));
        Duration duration =
                switch (matcher.group(2)) {
                    case "ms" -> Duration.ofMillis(amount);
                    case "s" -> Duration.ofSeconds(amount);
                    case "m" -> Duration.ofMinutes(amount);
                    case "h" -> Duration.ofHours(amount);
                    default -> Duration.ofDays(amount);
                };
        if (duration.isZero()) {
            throw new IllegalArgumentException(text);
        }
        return duration;
    }
}
