package dev.sluice.settings;

import java.util.regex.Pattern;

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

    /** The text. */
    @Override
    public String toString() {
        return text;
    }
}
