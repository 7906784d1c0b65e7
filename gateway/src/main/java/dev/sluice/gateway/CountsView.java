package dev.sluice.gateway;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The counts of the newest windows, as streaming publishes them. Belongs to one thread. */
final class CountsView {
    /**
     * Of all windows, where one with aggregates is as large as two: a day of 200 types in windows of a minute, in some thirty
     * MiB.
     */
    static final int MOST_ROWS = 300_000;

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

    /** @param aggregates beside the count, as fields of JSON such as {@code "sum":2.5,"max":2.0}; null where there are none */
    record Counted(long count, int partition, @Nullable String aggregates) {
        private int size() {
            return aggregates == null ? 1 : 2;
        }
    }

    /** @param last whether no batch changes the count any more */
    record Row(
            Window window,
            Group group,
            long count,
            @Nullable String aggregates,
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
        boolean takes(Window window) {
            return (from == null || window.end.isAfter(from)) && (to == null || window.start.isBefore(to));
        }

        boolean takes(Group group) {
            return (type == null || type.equals(group.type)) && (outcome == null || outcome.equals(group.outcome));
        }
    }

    private static final NavigableMap<Group, Counted> NOTHING = new TreeMap<>();

    private final int windows;
    private final int mostRows;
    private final NavigableMap<Window, NavigableMap<Group, Counted>> counts = new TreeMap<>();
    private final Map<Integer, Instant> watermarks = new HashMap<>();
    /** Since they were last asked for. */
    private final TreeMap<Window, TreeSet<Group>> changed = new TreeMap<>();
    /** One object of each, which rows share. */
    private final Map<Group, Group> groups = new HashMap<>();
    /** How many rows each type has. */
    private final TreeMap<String, Integer> types = new TreeMap<>();

    private @Nullable Window newestGone;
    private boolean watched;
    private int size;

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
        // of one that is gone, this would be all that there is
        if (isFullBefore(window) || (newestGone != null && window.compareTo(newestGone) <= 0)) {
            return;
        }
        Group same = groups.computeIfAbsent(group, self -> self);
        Counted before =
                counts.computeIfAbsent(window, first -> new TreeMap<>()).put(same, count);
        size += count.size() - (before == null ? 0 : before.size());
        if (before == null) {
            types.merge(group.type, 1, Integer::sum);
        }
        changed(window, same);
        while (counts.size() > windows || (size > mostRows && counts.size() > 1)) {
            forget(counts.pollFirstEntry());
        }
    }

    private boolean isFullBefore(Window window) {
        return (counts.size() >= windows || size >= mostRows) && window.compareTo(counts.firstKey()) < 0;
    }

    private void forget(Map.Entry<Window, NavigableMap<Group, Counted>> oldest) {
        newestGone = oldest.getKey();
        oldest.getValue().forEach((group, count) -> {
            size -= count.size();
            types.computeIfPresent(group.type, (type, rows) -> rows == 1 ? null : rows - 1);
        });
        changed.remove(newestGone);
        if (groups.size() > mostRows) {
            groups.clear();
        }
    }

    /** The oldest window that is kept; null where there is none. */
    @Nullable
    Window oldest() {
        return counts.isEmpty() ? null : counts.firstKey();
    }

    /** Makes windows final that ended by then, as far as they are in that partition. */
    void close(int partition, Instant watermark) {
        Instant before = watermarks.getOrDefault(partition, Instant.MIN);
        if (!watermark.isAfter(before)) {
            return;
        }
        watermarks.put(partition, watermark);
        if (!watched) {
            return;
        }
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

    /** Begins to note what changes; before, nobody could have missed it. */
    void watch() {
        watched = true;
    }

    private void changed(Window window, Group group) {
        if (watched) {
            changed.computeIfAbsent(window, first -> new TreeSet<>()).add(group);
        }
    }

    /** Rows in parts, for an event loop to do other things between two. A later part has what has changed by then. */
    final class Walk {
        private final Filter filter;
        private final boolean newestFirst;
        private @Nullable Window window;
        private @Nullable Group group;
        private boolean ended;

        private Walk(Filter filter, boolean newestFirst) {
            this.filter = filter;
            this.newestFirst = newestFirst;
        }

        boolean hasNext() {
            return !ended;
        }

        /**
         * Rows that the filter takes, of the next so many: none, often, where it takes few.
         *
         * @param visits of windows and of rows
         */
        List<Row> next(int visits) {
            List<Row> some = new ArrayList<>();
            NavigableMap<Window, NavigableMap<Group, Counted>> all = newestFirst ? counts.descendingMap() : counts;
            int visited = 0;
            for (var each : (window == null ? all : all.tailMap(window, true)).entrySet()) {
                NavigableMap<Group, Counted> rest = each.getValue();
                if (group != null && each.getKey().equals(window)) {
                    rest = rest.tailMap(group, false);
                }
                window = each.getKey();
                group = null;
                if (++visited > visits) {
                    return some;
                }
                for (var row : filter.takes(window) ? rest.entrySet() : NOTHING.entrySet()) {
                    group = row.getKey();
                    if (filter.takes(group)) {
                        some.add(row(window, group, row.getValue()));
                    }
                    if (++visited >= visits) {
                        return some;
                    }
                }
            }
            ended = true;
            return some;
        }
    }

    /** Those that the filter takes: by window, the newest first or last, then by type and outcome. */
    Walk walk(Filter filter, boolean newestFirst) {
        return new Walk(filter, newestFirst);
    }

    /** Types that have a count, but for what is malformed. */
    Set<String> types() {
        return types.tailMap("", false).keySet();
    }

    /** Rows, and those with aggregates once more. */
    int size() {
        return size;
    }

    private Row row(Window window, Group group, Counted count) {
        return new Row(window, group, count.count, count.aggregates, isFinal(window, count));
    }

    private boolean isFinal(Window window, Counted count) {
        Instant watermark = watermarks.get(count.partition);
        return watermark != null && !watermark.isBefore(window.end);
    }
}
