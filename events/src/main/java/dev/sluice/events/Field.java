package dev.sluice.events;

import java.util.Optional;

/** A declared field of an event. Any other field travels along untouched. */
public enum Field {
    EVENT_TYPE("event_type", Type.STRING, true),
    TIMESTAMP("timestamp", Type.INTEGER, false),
    PARAMS("params", Type.OBJECT, false),
    EVENT_ID("event_id", Type.STRING, false);

    /** JSON type of a declared field. */
    public enum Type {
        STRING("a string"),
        INTEGER("an integer"),
        OBJECT("an object");

        private final String article;

        Type(String article) {
            this.article = article;
        }

        /** The type as it reads in a sentence: {@code a string}. */
        public String article() {
            return article;
        }
    }

    /** {@code values()} makes a new array each time. */
    private static final Field[] ALL = values();

    private final String wireName;
    private final Type type;
    private final boolean required;

    Field(String wireName, Type type, boolean required) {
        this.wireName = wireName;
        this.type = type;
        this.required = required;
    }

    public String wireName() {
        return wireName;
    }

    public Type type() {
        return type;
    }

    public boolean required() {
        return required;
    }

    /** The declared field of that exact name, escapes already resolved. */
    public static Optional<Field> named(String wireName) {
        for (Field field : ALL) {
            if (field.wireName.equals(wireName)) {
                return Optional.of(field);
            }
        }
        return Optional.empty();
    }
}
