package dev.sluice.streaming;

import java.util.List;
import org.apache.datasketches.hll.HllSketch;
import org.apache.datasketches.kll.KllDoublesSketch;
import org.jspecify.annotations.Nullable;

/** What is summed up of records that are counted together. */
final class Sums {
    /** Of 4096 registers: the standard error of a distinct count is 1.04 / √4096, or 1.6 %. */
    private static final int LOG_REGISTERS = 12;

    private final Aggregates aggregates;
    private long rows;
    private @Nullable HllSketch distinct;
    private double sum;
    private double min;
    private double max;
    private @Nullable KllDoublesSketch values;

    Sums(Aggregates aggregates) {
        this.aggregates = aggregates;
    }

    /** A record of which nothing but its number is wanted. */
    void add() {
        rows++;
    }

    void add(EventReader event) {
        rows++;
        String text = event.distinct();
        if (text != null) {
            distinct = distinct == null ? new HllSketch(LOG_REGISTERS) : distinct;
            distinct.update(text);
        }
        Double value = event.value();
        if (value != null) {
            add(value);
        }
    }

    private void add(double value) {
        if (values == null) {
            values = Quantiles.sketch();
            min = value;
            max = value;
        }
        values.update(value);
        sum += value;
        min = Math.min(min, value);
        max = Math.max(max, value);
    }

    long rows() {
        return rows;
    }

    /** Adds the columns of {@link Aggregates#addTo} to a row. */
    void addTo(List<@Nullable Object> row) {
        if (aggregates.hasDistinct()) {
            row.add(distinct == null ? null : distinct.toCompactByteArray());
        }
        if (aggregates.hasValue()) {
            boolean any = values != null;
            row.add(any ? sum : null);
            row.add(any ? min : null);
            row.add(any ? max : null);
            row.add(values == null ? null : values.toByteArray());
        }
    }
}
