package dev.sluice.gateway;

import java.util.regex.Pattern;

/**
 * What the Kafka records are keyed by: events with the same key keep their order.
 *
 * @param source where the key is
 * @param field name of the member of {@code params}; empty for the other sources
 */
record KeyPolicy(Source source, String field) {
    enum Source {
        NONE,
        EVENT_TYPE,
        PARAMS_FIELD
    }

    static final KeyPolicy NONE = new KeyPolicy(Source.NONE, "");

    private static final String PARAMS = "params.";
    private static final Pattern FORM = Pattern.compile("none|event_type|params\\..+");

    static KeyPolicy parse(String text) {
        if (!FORM.matcher(text).matches()) {
            throw new IllegalArgumentException(text);
        }
        return switch (text) {
            case "none" -> NONE;
            case "event_type" -> new KeyPolicy(Source.EVENT_TYPE, "");
            default -> new KeyPolicy(Source.PARAMS_FIELD, text.substring(PARAMS.length()));
        };
    }
}
