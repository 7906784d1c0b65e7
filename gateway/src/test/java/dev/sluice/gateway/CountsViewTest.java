package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.CountsView.Counted;
import dev.sluice.gateway.CountsView.Filter;
import dev.sluice.gateway.CountsView.Group;
import dev.sluice.gateway.CountsView.Row;
import dev.sluice.gateway.CountsView.Window;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

class CountsViewTest {
    private static final Filter ALL = new Filter(null, null, null, null);
    private static final int WINDOWS = 5;
    private static final int TYPES = 3;

    /** Whatever comes in whatever order: the last count of each, of the newest windows. */
    @Property
    void rows_anyCounts_areTheLastOfTheNewestWindows(@ForAll @Size(max = 100) List<@IntRange(max = 59) Integer> puts) {
        CountsView view = new CountsView(WINDOWS, 1_000);
        NavigableMap<Window, Map<Group, Long>> expected = new TreeMap<>();
        long count = 0;
        for (int put : puts) {
            Window window = window(put / TYPES);
            Group group = new Group("t" + put % TYPES, "counted");
            count++;
            view.put(window, group, new Counted(count, 0, null));
            if (expected.size() < WINDOWS || window.compareTo(expected.firstKey()) >= 0) {
                expected.computeIfAbsent(window, first -> new TreeMap<>()).put(group, count);
            }
            if (expected.size() > WINDOWS) {
                expected.pollFirstEntry();
            }
        }
        assertThat(rows(view).stream().map(row -> List.<Object>of(row.window(), row.group(), row.count())))
                .containsExactlyElementsOf(expected.entrySet().stream()
                        .flatMap(window -> window.getValue().entrySet().stream()
                                .map(group -> List.<Object>of(window.getKey(), group.getKey(), group.getValue())))
                        .toList());
        assertThat(view.size()).isEqualTo(rows(view).size());
        assertThat(view.types())
                .containsExactlyElementsOf(rows(view).stream()
                        .map(row -> row.group().type())
                        .distinct()
                        .sorted()
                        .toList());
    }

    /** However small the parts, they are the rows, in either order of the windows. */
    @Property
    void walk_partsOfAnySize_areAllRowsOnce(
            @ForAll @Size(max = 60) List<@IntRange(max = 59) Integer> puts,
            @ForAll @IntRange(min = 1, max = 20) int visits,
            @ForAll boolean newestFirst) {
        CountsView view = new CountsView(1_000, 1_000);
        puts.forEach(put ->
                view.put(window(put / TYPES), new Group("t" + put % TYPES, "counted"), new Counted(put, 0, null)));
        Filter filter = new Filter("t1", null, window(3).start(), null);
        List<Row> parts = new ArrayList<>();
        CountsView.Walk walk = view.walk(filter, newestFirst);
        while (walk.hasNext()) {
            List<Row> part = walk.next(visits);
            assertThat(part).hasSizeLessThanOrEqualTo(visits);
            parts.addAll(part);
        }
        List<Integer> expected = puts.stream()
                .distinct()
                .filter(put -> put % TYPES == 1 && put / TYPES >= 3)
                .sorted(newestFirst ? Comparator.reverseOrder() : Comparator.naturalOrder())
                .toList();
        assertThat(parts.stream().map(row -> (int) row.count())).containsExactlyElementsOf(expected);
    }

    /** What is put between two parts is in a later one or in none, and nothing is there twice. */
    @Example
    void walk_oldWindowsGoMeanwhile_goesOn() {
        CountsView view = new CountsView(3, 1_000);
        for (int i = 0; i < 3; i++) {
            view.put(window(i), new Group("a", "counted"), new Counted(i, 0, null));
        }
        CountsView.Walk walk = view.walk(ALL, false);
        assertThat(walk.next(2)).extracting(Row::count).containsExactly(0L);
        view.put(window(3), new Group("a", "counted"), new Counted(3, 0, null));
        assertThat(walk.next(100)).extracting(Row::count).containsExactly(1L, 2L, 3L);
        assertThat(walk.hasNext()).isFalse();
    }

    /** Its other rows are gone: what is left would look like all of it. */
    @Example
    void put_windowThatWentForItsRows_isNotBegunAnew() {
        CountsView view = new CountsView(1_000, 10);
        for (int i = 0; i < 12; i++) {
            view.put(window(i / 6), new Group("t" + i % 6, "counted"), new Counted(i, 0, null));
        }
        view.put(window(0), new Group("t0", "counted"), new Counted(100, 0, null));
        assertThat(rows(view)).hasSize(6).allMatch(row -> row.window().equals(window(1)));
        assertThat(view.oldest()).isEqualTo(window(1));
    }

    @Example
    void put_moreRowsThanFit_theOldestWindowsGo() {
        CountsView view = new CountsView(1_000, 10);
        for (int i = 0; i < 40; i++) {
            view.put(window(i / 4), new Group("t" + i % 4, "late"), new Counted(i, 0, null));
        }
        assertThat(rows(view)).hasSize(8).allMatch(row -> row.window().compareTo(window(8)) >= 0);
    }

    @Example
    void rows_watermarkOfTheirPartition_makesThemFinal() {
        CountsView view = new CountsView(WINDOWS, 100);
        view.put(window(1), new Group("a", "counted"), new Counted(1, 0, null));
        view.put(window(1), new Group("b", "counted"), new Counted(1, 1, null));
        view.put(window(2), new Group("a", "counted"), new Counted(1, 0, null));
        view.close(0, window(1).end());
        view.close(0, Instant.EPOCH);
        assertThat(rows(view).stream().map(Row::last)).containsExactly(true, false, false);
    }

    private static List<Row> rows(CountsView view) {
        return view.walk(ALL, false).next(Integer.MAX_VALUE);
    }

    private static Window window(int number) {
        return new Window(Instant.ofEpochSecond(60L * number), Instant.ofEpochSecond(60L * number + 60));
    }
}
