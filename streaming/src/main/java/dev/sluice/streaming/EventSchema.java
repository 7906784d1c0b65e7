package dev.sluice.streaming;

import dev.sluice.events.Field;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** The event contract as Spark reads it. */
final class EventSchema {
    /** Holds the text of a record that is not of the declared types; null for any other. */
    static final String CORRUPT = "_corrupt";

    /**
     * The declared fields and {@link #CORRUPT}. The timestamp is a {@code bigint}: Spark would read a number as a
     * {@code timestamp} in seconds. Params are text, which no count looks into.
     */
    static final StructType TYPE = new StructType(Stream.concat(
                    Arrays.stream(Field.values())
                            .map(field -> column(field.wireName(), field.type() == Field.Type.INTEGER)),
                    Stream.of(column(CORRUPT, false)))
            .toArray(StructField[]::new));

    /** Options of {@code from_json}. Without a corrupt column, broken JSON is a row of nulls like any other. */
    static final Map<String, String> OPTIONS = Map.of("mode", "PERMISSIVE", "columnNameOfCorruptRecord", CORRUPT);

    private EventSchema() {}

    private static StructField column(String name, boolean integer) {
        DataType type = integer ? DataTypes.LongType : DataTypes.StringType;
        return DataTypes.createStructField(name, type, true);
    }
}
