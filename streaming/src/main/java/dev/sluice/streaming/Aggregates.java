package dev.sluice.streaming;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.sum;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * What is known of counted events beside their number, of fields of their {@code params}.
 *
 * @param distinctOf field whose distinct values are counted; empty for none
 * @param valueOf field with a number, of which there are sum, least, greatest and quantiles; empty for none
 */
record Aggregates(String distinctOf, String valueOf) implements Serializable {
    private static final long serialVersionUID = 1;

    static final Aggregates NONE = new Aggregates("", "");

    private static final String DISTINCT = "distinct";
    private static final String SUM = "sum";
    private static final String MIN = "min";
    private static final String MAX = "max";
    private static final String VALUES = "values";
    private static final List<Integer> PERCENTILES = List.of(50, 95, 99);

    /** Whether params need not be read. */
    boolean areNone() {
        return !hasDistinct() && !hasValue();
    }

    boolean hasDistinct() {
        return !distinctOf.isEmpty();
    }

    boolean hasValue() {
        return !valueOf.isEmpty();
    }

    /** The columns in which {@link Sums} are handed on: sketches and numbers, null where nothing was seen. */
    StructType addTo(StructType row) {
        StructType columns = row;
        if (hasDistinct()) {
            columns = columns.add(DISTINCT, DataTypes.BinaryType);
        }
        if (hasValue()) {
            columns = columns.add(SUM, DataTypes.DoubleType)
                    .add(MIN, DataTypes.DoubleType)
                    .add(MAX, DataTypes.DoubleType)
                    .add(VALUES, DataTypes.BinaryType);
        }
        return columns;
    }

    /** The columns of a group of rows, beside its count. */
    Column[] ofGroup() {
        List<Column> columns = new ArrayList<>();
        if (hasDistinct()) {
            columns.add(functions
                    .hll_sketch_estimate(functions.hll_union_agg(col(DISTINCT)))
                    .as(DISTINCT));
        }
        if (hasValue()) {
            columns.addAll(List.of(
                    sum(col(SUM)).as(SUM), min(col(MIN)).as(MIN), max(col(MAX)).as(MAX)));
            Column merged = Quantiles.MERGE.apply(col(VALUES));
            PERCENTILES.forEach(percentile -> columns.add(
                    Quantiles.RANK.apply(merged, lit(percentile / 100.0)).as("p" + percentile)));
        }
        return columns.toArray(Column[]::new);
    }
}
