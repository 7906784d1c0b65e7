package dev.sluice.streaming;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.to_date;
import static org.apache.spark.sql.functions.xxhash64;
import static scala.collection.JavaConverters.asScalaBuffer;

import java.math.BigDecimal;
import java.sql.Date;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;

/** Counts by the day (UTC) that their windows start in, held against each other by number of rows and checksum. */
final class StoredDays {
    static final List<String> KEYS = List.of("window_start", "window_end", "event_type", "outcome");

    static final List<String> COLUMNS = Arrays.stream(CassandraScan.SCHEMA.fieldNames())
            .filter(name -> !name.equals(CassandraScan.WRITTEN))
            .toList();

    private static final String DAY = "day";
    private static final String HASH = "hash";

    /**
     * @param rows that are stored
     * @param checksum sum of the rows' hashes
     * @param changed rows that are not there, or say something else
     * @param same whether the target has each of the rows once, as it is stored; it may have others
     */
    record Day(LocalDate day, long rows, BigDecimal checksum, long changed, boolean same) {}

    private record Digest(long rows, BigDecimal checksum) {}

    private StoredDays() {}

    static Column isIn(List<LocalDate> days) {
        return to_date(col("window_start"))
                .isin(days.stream().map(Date::valueOf).toArray());
    }

    static Column[] columns() {
        return COLUMNS.stream().map(name -> col(name)).toArray(Column[]::new);
    }

    private static Dataset<Row> keys(Dataset<Row> rows) {
        return rows.select(KEYS.stream().map(name -> col(name)).toArray(Column[]::new));
    }

    /** {@code rows}, and those of {@code others} with other keys. */
    static Dataset<Row> merged(Dataset<Row> others, Dataset<Row> rows) {
        return others.join(keys(rows), asScalaBuffer(KEYS), "left_anti").unionByName(rows);
    }

    /** Looks at each day of {@code stored}, in their order. */
    static List<Day> compare(Dataset<Row> stored, Dataset<Row> all) {
        NavigableMap<LocalDate, Digest> ours = digests(stored);
        if (ours.isEmpty()) {
            return List.of();
        }
        // by the column that files have the bounds of: a target has years, of which these days are the end
        Dataset<Row> target = all.where(col("window_start")
                .geq(lit(midnight(ours.firstKey())))
                .and(col("window_start").lt(lit(midnight(ours.lastKey().plusDays(1))))));
        Map<LocalDate, Digest> theirs = digests(target);
        List<LocalDate> open = differing(ours, theirs);
        if (!open.isEmpty()) {
            // or the target has more: rows that Cassandra gave up
            Dataset<Row> rows = stored.where(isIn(open));
            Dataset<Row> there = target.where(isIn(open));
            theirs.putAll(digests(there.join(keys(rows), asScalaBuffer(KEYS), "left_semi")));
        }
        List<LocalDate> differing = differing(ours, theirs);
        Map<LocalDate, Long> changed = differing.isEmpty() ? Map.of() : changed(stored, target, differing);
        return ours.entrySet().stream()
                .map(day -> new Day(
                        day.getKey(),
                        day.getValue().rows,
                        day.getValue().checksum,
                        changed.getOrDefault(day.getKey(), 0L),
                        !differing.contains(day.getKey())))
                .toList();
    }

    private static Instant midnight(LocalDate day) {
        return day.atStartOfDay(ZoneOffset.UTC).toInstant();
    }

    private static List<LocalDate> differing(Map<LocalDate, Digest> ours, Map<LocalDate, Digest> theirs) {
        return ours.entrySet().stream()
                .filter(day -> !day.getValue().equals(theirs.get(day.getKey())))
                .map(Map.Entry::getKey)
                .toList();
    }

    private static Map<LocalDate, Long> changed(Dataset<Row> stored, Dataset<Row> target, List<LocalDate> days) {
        List<String> columns = new ArrayList<>(KEYS);
        columns.add(HASH);
        Map<LocalDate, Long> changed = new TreeMap<>();
        hashed(stored.where(isIn(days)))
                .join(hashed(target.where(isIn(days))).drop(DAY), asScalaBuffer(columns), "left_anti")
                .groupBy(DAY)
                .agg(count(lit(1)))
                .collectAsList()
                .forEach(row -> changed.put(row.getDate(0).toLocalDate(), row.getLong(1)));
        return changed;
    }

    private static NavigableMap<LocalDate, Digest> digests(Dataset<Row> rows) {
        NavigableMap<LocalDate, Digest> digests = new TreeMap<>();
        hashed(rows)
                .groupBy(DAY)
                .agg(count(lit(1)), sum(col(HASH).cast("decimal(20,0)")))
                .collectAsList()
                .forEach(row ->
                        digests.put(row.getDate(0).toLocalDate(), new Digest(row.getLong(1), row.getDecimal(2))));
        return digests;
    }

    private static Dataset<Row> hashed(Dataset<Row> rows) {
        return rows.withColumn(DAY, to_date(col("window_start")))
                .withColumn(
                        HASH, xxhash64(COLUMNS.stream().map(StoredDays::hashed).toArray(Column[]::new)));
    }

    /** The hash leaves a null out; then a value would be the same in one column as in the next. */
    private static Column hashed(String name) {
        StructField field = CassandraScan.SCHEMA.apply(name);
        Column column = col(name);
        return field.dataType().equals(DataTypes.DoubleType)
                ? coalesce(column, lit(Double.NaN))
                : field.dataType().equals(DataTypes.LongType) ? coalesce(column, lit(-1L)) : column;
    }
}
