package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.CountsView.Counted;
import dev.sluice.gateway.CountsView.Filter;
import dev.sluice.gateway.CountsView.Group;
import dev.sluice.gateway.CountsView.Row;
import dev.sluice.gateway.CountsView.Window;
import java.time.Instant;
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
        assertThat(view.rows(ALL).stream().map(row -> List.<Object>of(row.window(), row.group(), row.count())))
                .containsExactlyElementsOf(expected.entrySet().stream()
                        .flatMap(window -> window.getValue().entrySet().stream()
                                .map(group -> List.<Object>of(window.getKey(), group.getKey(), group.getValue())))
                        .toList());
        assertThat(view.size()).isEqualTo(view.rows(ALL).size());
    }

    @Example
    void put_moreRowsThanFit_theOldestWindowsGo() {
        CountsView view = new CountsView(1_000, 10);
        for (int i = 0; i < 40; i++) {
            view.put(window(i / 4), new Group("t" + i % 4, "late"), new Counted(i, 0, null));
        }
        assertThat(view.rows(ALL)).hasSize(8).allMatch(row -> row.window().compareTo(window(8)) >= 0);
    }

    @Example
    void rows_watermarkOfTheirPartition_makesThemFinal() {
        CountsView view = new CountsView(WINDOWS, 100);
        view.put(window(1), new Group("a", "counted"), new Counted(1, 0, null));
        view.put(window(1), new Group("b", "counted"), new Counted(1, 1, null));
        view.put(window(2), new Group("a", "counted"), new Counted(1, 0, null));
        view.close(0, window(1).end());
        view.close(0, Instant.EPOCH);
        assertThat(view.rows(ALL).stream().map(Row::last)).containsExactly(true, false, false);
    }

    private static Window window(int number) {
        return new Window(Instant.ofEpochSecond(60L * number), Instant.ofEpochSecond(60L * number + 60));
    }
}
