package dev.sluice.streaming;

import com.datastax.oss.driver.api.core.cql.BoundStatement;
import com.datastax.oss.driver.api.core.cql.BoundStatementBuilder;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;

/**
 * A count as it is stored.
 *
 * @param eventType empty where malformed: a column of a key is never null
 * @param aggregates numbers by the names of their columns; null where nothing was seen
 * @param written microseconds since 1970 UTC, or some: the write with the greatest wins
 */
record StoredCount(
        Instant start,
        Instant end,
        String eventType,
        String outcome,
        long count,
        Map<String, @Nullable Number> aggregates,
        long written) {
    private static final String DISTINCT = "distinct";
    private static final Set<String> KEY = Set.of(Counts.WINDOW, Counts.EVENT_TYPE, Counts.OUTCOME, Counts.COUNT);

    /** @param row of {@link Counts#of} */
    static StoredCount of(Row row, long written) {
        Row window = row.getStruct(row.fieldIndex(Counts.WINDOW));
        String type = row.getAs(Counts.EVENT_TYPE);
        Map<String, @Nullable Number> aggregates = new LinkedHashMap<>();
        Arrays.stream(row.schema().fieldNames())
                .filter(name -> !KEY.contains(name))
                .forEach(name -> aggregates.put(name.equals(DISTINCT) ? "distinct_count" : name, row.getAs(name)));
        return new StoredCount(
                window.<Timestamp>getAs("start").toInstant(),
                window.<Timestamp>getAs("end").toInstant(),
                type == null ? "" : type,
                row.getAs(Counts.OUTCOME),
                row.<Long>getAs(Counts.COUNT),
                aggregates,
                written);
    }

    /** Columns that there is nothing for stay as they are: a null would be a tombstone. */
    BoundStatement bind(PreparedStatement upsert) {
        BoundStatementBuilder bound = bindKey(upsert).setLong("count", count).setLong("written", written);
        for (Map.Entry<String, @Nullable Number> aggregate : aggregates.entrySet()) {
            Number value = aggregate.getValue();
            if (value instanceof Long whole) {
                bound = bound.setLong(aggregate.getKey(), whole);
            } else if (value != null) {
                bound = bound.setDouble(aggregate.getKey(), value.doubleValue());
            }
        }
        return bound.build();
    }

    /** Of a statement for the row as a whole. */
    BoundStatement bindRow(PreparedStatement statement) {
        return bindKey(statement).build();
    }

    /** Of something that was not there: a row that was deleted here would stay where it has been moved to. */
    StoredCount nothing() {
        return new StoredCount(start, end, eventType, outcome, 0, Map.of(), written);
    }

    private BoundStatementBuilder bindKey(PreparedStatement statement) {
        BoundStatementBuilder bound = statement
                .boundStatementBuilder()
                .setInstant("window_start", start)
                .setInstant("window_end", end)
                .setString("event_type", eventType)
                .setString("outcome", outcome);
        return statement.getVariableDefinitions().contains("day")
                ? bound.setLocalDate("day", LocalDate.ofInstant(start, ZoneOffset.UTC))
                : bound;
    }
}
