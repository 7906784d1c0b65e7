package dev.sluice.gateway;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The counts of the newest windows, as streaming publishes them. Belongs to one thread. */
final class CountsView {
    /** Of all windows: some ten MiB. */
    static final int MOST_ROWS = 100_000;

    /** @param start in ISO 8601 order, then the end: the oldest is the first */
    record Window(Instant start, Instant end) implements Comparable<Window> {
        private static final Comparator<Window> ORDER =
                Comparator.comparing(Window::start).thenComparing(Window::end);

        @Override
        public int compareTo(Window other) {
            return ORDER.compare(this, other);
        }
    }

    /** @param type empty where malformed */
    record Group(String type, String outcome) implements Comparable<Group> {
        private static final Comparator<Group> ORDER =
                Comparator.comparing(Group::type).thenComparing(Group::outcome);

        @Override
        public int compareTo(Group other) {
            return ORDER.compare(this, other);
        }
    }

    /** @param aggregates beside the count, by their names; null where there are none */
    record Counted(long count, int partition, @Nullable ObjectNode aggregates) {}

    /** @param last whether no batch changes the count any more */
    record Row(
            Window window,
            Group group,
            long count,
            @Nullable ObjectNode aggregates,
            boolean last) {}

    /**
     * Of rows; null is any.
     *
     * @param from no window that ended by then
     * @param to no window that starts then or later
     */
    record Filter(
            @Nullable String type,
            @Nullable String outcome,
            @Nullable Instant from,
            @Nullable Instant to) {
        private boolean takes(Window window) {
            return (from == null || window.end.isAfter(from)) && (to == null || window.start.isBefore(to));
        }

        private boolean takes(Group group) {
            return (type == null || type.equals(group.type)) && (outcome == null || outcome.equals(group.outcome));
        }
    }

    private static final TreeMap<Group, Counted> NOTHING = new TreeMap<>();

    private final int windows;
    private final int mostRows;
    private final TreeMap<Window, TreeMap<Group, Counted>> counts = new TreeMap<>();
    private final Map<Integer, Instant> watermarks = new HashMap<>();
    /** Since they were last asked for. */
    private final TreeMap<Window, TreeSet<Group>> changed = new TreeMap<>();
    /** One object of each, which rows share. */
    private final Map<Group, Group> groups = new HashMap<>();

    private int rows;

    /**
     * An empty one.
     *
     * @param windows that are kept; when there are more, or more than {@code mostRows}, the oldest go
     */
    CountsView(int windows, int mostRows) {
        this.windows = windows;
        this.mostRows = mostRows;
    }

    /** Takes a count in the place of the one before. */
    void put(Window window, Group group, Counted count) {
        if (isFull() && window.compareTo(counts.firstKey()) < 0) {
            return;
        }
        Group same = groups.computeIfAbsent(group, self -> self);
        if (counts.computeIfAbsent(window, first -> new TreeMap<>()).put(same, count) == null) {
            rows++;
        }
        changed(window, same);
        while (counts.size() > windows || (rows > mostRows && counts.size() > 1)) {
            Map.Entry<Window, TreeMap<Group, Counted>> oldest = counts.pollFirstEntry();
            rows -= oldest.getValue().size();
            changed.remove(oldest.getKey());
            if (groups.size() > mostRows) {
                groups.clear();
            }
        }
    }

    /** Makes windows final that ended by then, as far as they are in that partition. */
    void close(int partition, Instant watermark) {
        Instant before = watermarks.getOrDefault(partition, Instant.MIN);
        if (!watermark.isAfter(before)) {
            return;
        }
        watermarks.put(partition, watermark);
        // windows that were final before are not final anew
        counts.forEach((window, groupsOfIt) -> {
            if (window.end.isAfter(before) && !window.end.isAfter(watermark)) {
                groupsOfIt.forEach((group, count) -> {
                    if (count.partition == partition) {
                        changed(window, group);
                    }
                });
            }
        });
    }

    /** Rows that are new, have another count, or became final, and were not returned yet; the newest of so many. */
    List<Row> changed(int most) {
        List<Row> some = new ArrayList<>();
        while (!changed.isEmpty() && some.size() < most) {
            Map.Entry<Window, TreeSet<Group>> newest = changed.lastEntry();
            Map<Group, Counted> there = counts.getOrDefault(newest.getKey(), NOTHING);
            while (!newest.getValue().isEmpty() && some.size() < most) {
                Group group = newest.getValue().pollFirst();
                Counted count = there.get(group);
                if (count != null) {
                    some.add(row(newest.getKey(), group, count));
                }
            }
            if (newest.getValue().isEmpty()) {
                changed.remove(newest.getKey());
            }
        }
        return some;
    }

    void forgetChanges() {
        changed.clear();
    }

    private void changed(Window window, Group group) {
        changed.computeIfAbsent(window, first -> new TreeSet<>()).add(group);
    }

    /** Those that the filter takes, by window, type and outcome. */
    List<Row> rows(Filter filter) {
        List<Row> found = new ArrayList<>();
        counts.forEach((window, groupsOfIt) -> {
            if (filter.takes(window)) {
                groupsOfIt.forEach((group, count) -> {
                    if (filter.takes(group)) {
                        found.add(row(window, group, count));
                    }
                });
            }
        });
        return found;
    }

    /** Types that have a count, but for what is malformed. */
    SortedSet<String> types() {
        SortedSet<String> types = new TreeSet<>();
        counts.values().forEach(groupsOfIt -> groupsOfIt.keySet().forEach(group -> types.add(group.type)));
        types.remove("");
        return types;
    }

    int size() {
        return rows;
    }

    private Row row(Window window, Group group, Counted count) {
        return new Row(window, group, count.count, count.aggregates, isFinal(window, count));
    }

    private boolean isFinal(Window window, Counted count) {
        Instant watermark = watermarks.get(count.partition);
        return watermark != null && !watermark.isBefore(window.end);
    }

    private boolean isFull() {
        return counts.size() >= windows || rows >= mostRows;
    }
}
