package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.datastax.oss.driver.api.core.metadata.schema.ColumnMetadata;
import com.datastax.oss.driver.api.core.metadata.schema.TableMetadata;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A table, as its CQL file declares it.
 *
 * @param create the statement that creates it
 * @param columns their types, by their names
 * @param partitionKey names of columns, as are {@code clustering}
 */
record CassandraTable(
        String name, String create, Map<String, String> columns, List<String> partitionKey, List<String> clustering)
        implements Serializable {
    private static final Pattern COLUMN = Pattern.compile("(?m)^ {4}([a-z]\\w*) ([a-z]+),$");
    private static final Pattern KEY = Pattern.compile("PRIMARY KEY \\(\\(([^)]+)\\), ([^)]+)\\)");

    static final CassandraTable BY_TYPE = read("counts_by_type");
    static final CassandraTable BY_WINDOW = read("counts_by_window");
    static final List<CassandraTable> ALL = List.of(BY_TYPE, BY_WINDOW);

    private static CassandraTable read(String name) {
        String create = text("cassandra/" + name + ".cql");
        Map<String, String> columns = new LinkedHashMap<>();
        Matcher column = COLUMN.matcher(create);
        while (column.find()) {
            columns.put(column.group(1), column.group(2));
        }
        Matcher key = KEY.matcher(create);
        if (!key.find()) {
            throw new IllegalStateException(name + ".cql has no primary key");
        }
        return new CassandraTable(name, create, columns, names(key.group(1)), names(key.group(2)));
    }

    private static List<String> names(String text) {
        return List.of(text.split(", "));
    }

    private static String text(String resource) {
        try (InputStream in = Objects.requireNonNull(CassandraTable.class.getResourceAsStream(resource))) {
            return new String(in.readAllBytes(), UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes a row; a later {@code USING TIMESTAMP} wins, whichever comes first. */
    String upsert(String keyspace) {
        List<String> places =
                columns.keySet().stream().map(column -> ":" + column).toList();
        return "INSERT INTO " + keyspace + "." + name + " (" + String.join(", ", columns.keySet()) + ") VALUES ("
                + String.join(", ", places) + ") USING TIMESTAMP :written";
    }

    /** The count of a row, by its whole key. */
    String select(String keyspace) {
        return "SELECT count FROM " + keyspace + "." + name + " WHERE " + key();
    }

    /** All columns and when they were written, of partitions with a token above the first value, up to the second. */
    String scan(String keyspace) {
        String token = "token(" + String.join(", ", partitionKey) + ")";
        return "SELECT " + String.join(", ", columns.keySet()) + ", writetime(count) AS written FROM " + keyspace + "."
                + name + " WHERE " + token + " > ? AND " + token + " <= ?";
    }

    /** Its values are the time up to which writes are deleted, then the partition's key. */
    String deletePartition(String keyspace) {
        return "DELETE FROM " + keyspace + "." + name + " USING TIMESTAMP ? WHERE "
                + partitionKey.stream().map(column -> column + " = ?").collect(Collectors.joining(" AND "));
    }

    private String key() {
        return Stream.concat(partitionKey.stream(), clustering.stream())
                .map(column -> column + " = :" + column)
                .collect(Collectors.joining(" AND "));
    }

    String create(String keyspace) {
        return create.replace("EXISTS " + name, "EXISTS " + keyspace + "." + name);
    }

    /** How a table of the cluster differs; empty where it holds what is written to it. More columns do no harm. */
    List<String> differences(TableMetadata there) {
        Map<String, String> types = new TreeMap<>();
        there.getColumns()
                .values()
                .forEach(column -> types.put(name(column), column.getType().asCql(false, false)));
        List<String> differences = new ArrayList<>();
        columns.forEach((column, type) -> {
            String other = types.get(column);
            if (other == null) {
                differences.add("the column " + column + " (" + type + ") is missing");
            } else if (!other.equals(type)) {
                differences.add("the column " + column + " is " + other + ", not " + type);
            }
        });
        differs(differences, "partition key", partitionKey, there.getPartitionKey());
        differs(
                differences,
                "clustering columns",
                clustering,
                List.copyOf(there.getClusteringColumns().keySet()));
        return differences;
    }

    private static void differs(
            List<String> differences, String what, List<String> expected, List<ColumnMetadata> there) {
        List<String> names = there.stream().map(CassandraTable::name).toList();
        if (!names.equals(expected)) {
            differences.add("the " + what + " are " + names + ", not " + expected);
        }
    }

    private static String name(ColumnMetadata column) {
        return column.getName().asInternal();
    }
}
