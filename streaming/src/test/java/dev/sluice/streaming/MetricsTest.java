package dev.sluice.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.Readme;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.apache.kafka.common.TopicPartition;
import org.apache.spark.sql.streaming.StateOperatorProgress;
import org.junit.jupiter.api.Test;

class MetricsTest {
    private static final Pattern NAME = Pattern.compile("(?m)^\\| `(sluice_\\w+)(\\{[a-z, ]+})?` \\|");
    private static final TopicPartition PARTITION = new TopicPartition("events", 0);

    private final Metrics metrics = new Metrics();

    @Test
    void count_batches_addUp() {
        metrics.count(batch(10, Map.of(Outcome.COUNTED, 7L, Outcome.LATE, 3L), 0));
        metrics.count(batch(2, Map.of(Outcome.COUNTED, 2L), 0));
        assertThat(metrics.scrape())
                .contains("sluice_records_read_total 12.0")
                .contains("sluice_rows_total{outcome=\"counted\"} 9.0")
                .contains("sluice_rows_total{outcome=\"late\"} 3.0")
                .contains("sluice_rows_total{outcome=\"duplicate\"} 0.0")
                .contains("sluice_rows_unaccounted 0.0")
                .contains("sluice_rows_dropped_total 0.0")
                .contains("sluice_batches_total 2.0")
                .contains("sluice_lag_records{partition=\"0\",topic=\"events\"} 4.0")
                .contains("sluice_state_rows{operator=\"stateStoreSave\"} 5.0")
                .contains("sluice_state_bytes{operator=\"stateStoreSave\"} 640.0")
                .contains("sluice_batch_duration_seconds_count{phase=\"addBatch\"} 2")
                .contains("sluice_batch_duration_seconds_sum{phase=\"addBatch\"} 1.5");
    }

    @Test
    void count_recordWithoutOutcome_orDroppedRow_shows() {
        metrics.count(batch(10, Map.of(Outcome.COUNTED, 9L), 2));
        assertThat(metrics.scrape()).contains("sluice_rows_unaccounted 1.0").contains("sluice_rows_dropped_total 2.0");
    }

    @Test
    void readme_listsEveryMetric() {
        metrics.count(batch(1, Map.of(Outcome.COUNTED, 1L), 0));
        Set<String> scraped = new TreeSet<>();
        Pattern.compile("(?m)^# TYPE (sluice_\\w+) \\w+$")
                .matcher(metrics.scrape())
                .results()
                .map(type -> type.group(1))
                // a timer also has its longest time
                .filter(name -> !name.endsWith("_max"))
                .forEach(scraped::add);
        Set<String> documented = new TreeSet<>();
        NAME.matcher(String.join("\n", Readme.rows("Metrics of streaming")))
                .results()
                .map(row -> row.group(1))
                .forEach(documented::add);
        assertThat(documented).isEqualTo(scraped);
    }

    private static Progress batch(long records, Map<Outcome, Long> outcomes, long dropped) {
        return new Progress(
                1,
                records,
                outcomes,
                dropped,
                Map.of("addBatch", 750L),
                Map.of(
                        "stateStoreSave",
                        new StateOperatorProgress("stateStoreSave", 5, 1, 1, 0, 1, 1, 640, dropped, 2, 2, Map.of())),
                new Progress.Look(1_000, new Position(1_000, Map.of(PARTITION, 6L)), Map.of(PARTITION, 10L), Map.of()));
    }
}
