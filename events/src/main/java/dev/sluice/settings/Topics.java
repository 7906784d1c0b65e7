package dev.sluice.settings;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Which topic holds the events of which type: the first route whose pattern the type matches, or else the default.
 *
 * @param fallback topic of the types that no route names
 */
public record Topics(String fallback, List<Route> routes) {
    private static final String FORM = "a topic's name: letters, digits and . _ -, 249 at most";

    public static final Setting<String> DEFAULT =
            new Setting<>("EVENTS_TOPIC", "events", "Kafka topic of the events", FORM, Topics::name);

    public static final Setting<List<String>> ROUTES = Setting.list(
            "TOPIC_ROUTES",
            "topics for some types, `purchase.*=purchases,login=logins`; `*` is any text, the first match counts",
            "pattern=topic",
            Pattern.compile("[A-Za-z0-9._:/*-]{1,128}=[A-Za-z0-9._-]{1,249}"));

    public static final Setting<Optional<String>> DEAD_LETTERS = new Setting<>(
            "DEAD_LETTER_TOPIC",
            "",
            "Kafka topic that gets each record that is not `counted`; by default none does",
            FORM,
            text -> text.isEmpty() ? Optional.empty() : Optional.of(name(text)));

    public static final Setting<String> COUNTS = new Setting<>(
            "COUNTS_TOPIC",
            "event-counts",
            "Kafka topic of the counts, compacted; streaming writes it where `SINKS` has `kafka`, the gateway reads it",
            FORM,
            Topics::name);

    public static final List<Setting<?>> SETTINGS = List.of(DEFAULT, ROUTES, COUNTS);

    /** Events whose type matches go to the topic. */
    public record Route(TypePattern type, String topic) {
        private static Route parse(String text) {
            int equals = text.indexOf('=');
            return new Route(new TypePattern(text.substring(0, equals)), text.substring(equals + 1));
        }
    }

    public static Topics read(Environment environment) {
        List<Route> routes = new ArrayList<>();
        environment.get(ROUTES).forEach(text -> routes.add(Route.parse(text)));
        return new Topics(environment.get(DEFAULT), List.copyOf(routes));
    }

    /** The topic of dead letters; a problem where it is one of these, for each letter would be a record again. */
    public Optional<String> deadLetters(Environment environment) {
        Optional<String> topic = environment.get(DEAD_LETTERS);
        topic.filter(all()::contains)
                .ifPresent(name -> environment.problem(DEAD_LETTERS.name() + "=" + name
                        + ": must be none of the topics of events (" + DEFAULT.name() + ", " + ROUTES.name() + ")"));
        return topic;
    }

    /** The topic of counts; a problem where it is one of these, for each count would be an event. */
    public String counts(Environment environment) {
        String topic = environment.get(COUNTS);
        if (all().contains(topic)) {
            environment.problem(COUNTS.name() + "=" + topic + ": must be none of the topics of events ("
                    + DEFAULT.name() + ", " + ROUTES.name() + ")");
        }
        return topic;
    }

    /** The topic of events of that type. */
    public String of(String eventType) {
        for (Route route : routes) {
            if (route.type.matches(eventType)) {
                return route.topic;
            }
        }
        return fallback;
    }

    /** Every topic, the default first. */
    public Set<String> all() {
        Set<String> all = new LinkedHashSet<>(Set.of(fallback));
        routes.forEach(route -> all.add(route.topic));
        return all;
    }

    private static String name(String text) {
        if (!text.matches("[A-Za-z0-9._-]{1,249}")) {
            throw new IllegalArgumentException(text);
        }
        return text;
    }
}
