package dev.sluice.settings;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Types of events: a text in which {@code *} stands for any text, {@code purchase.*}. */
public final class TypePattern {
    private final String text;
    private final Pattern expression;

    public TypePattern(String text) {
        this.text = text;
        // quoted between the stars, so that a dot is a dot
        this.expression = Pattern.compile("\\Q" + text.replace("*", "\\E.*\\Q") + "\\E");
    }

    public boolean matches(String eventType) {
        return expression.matcher(eventType).matches();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof TypePattern pattern && text.equals(pattern.text);
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }

    /** The text. */
    @Override
    public String toString() {
        return text;
    }
}
