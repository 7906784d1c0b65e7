package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;

class ConsoleSinkTest {
    private static final SparkSession SPARK = Sessions.local();
    private static final StructType COUNT = new StructType()
            .add(
                    "window",
                    new StructType().add("start", DataTypes.TimestampType).add("end", DataTypes.TimestampType))
            .add("event_type", DataTypes.StringType)
            .add("outcome", DataTypes.StringType)
            .add("count", DataTypes.LongType);

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final ConsoleSink sink = new ConsoleSink(new PrintStream(bytes, true, UTF_8));

    @Test
    void call_counts_areSortedAndWhole() {
        String longest = "t".repeat(128);
        sink.call(
                counts(
                        count("12:01", "b", "counted", 2),
                        count("12:00", longest, "counted", 1),
                        count("12:01", "a", "counted", 1_234_567),
                        count("12:01", null, "malformed", 4)),
                1L);
        List<String> rows = bytes.toString(UTF_8)
                .lines()
                .filter(line -> line.startsWith("|2026"))
                .toList();
        assertThat(rows).hasSize(4);
        assertThat(rows.get(0)).contains("2026-03-01 12:00:00|2026-03-01 12:01:00|" + longest + "|counted");
        assertThat(rows.get(1)).contains("|-", "|malformed|", "|4");
        assertThat(rows.get(2)).contains("|a ", "|1234567|");
        assertThat(rows.get(3)).contains("|b ", "|2 ");
    }

    @Test
    void call_noCounts_printsNothing() {
        sink.call(counts(), 1L);
        assertThat(bytes.size()).isZero();
    }

    @Test
    void call_firstLateEvent_isExplainedOnce() {
        sink.call(counts(count("12:00", "a", "late", 1)), 1L);
        sink.call(counts(count("12:00", "a", "late", 2)), 2L);
        assertThat(bytes.toString(UTF_8).lines().filter(line -> line.startsWith("late: ")))
                .hasSize(1);
    }

    private static Row count(String minute, String type, String outcome, long count) {
        Instant start = Instant.parse("2026-03-01T" + minute + ":00Z");
        Row window = RowFactory.create(Timestamp.from(start), Timestamp.from(start.plusSeconds(60)));
        return RowFactory.create(window, type, outcome, count);
    }

    private static Dataset<Row> counts(Row... rows) {
        return SPARK.createDataFrame(List.of(rows), COUNT);
    }
}
