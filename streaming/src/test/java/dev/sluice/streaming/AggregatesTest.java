package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;

/** Distinct values and numbers of fields of params, on static rows. */
class AggregatesTest {
    private static final SparkSession SPARK = Sessions.local();
    private static final Instant RECEIVED = Instant.parse("2026-03-01T12:00:30Z");
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final int EVENTS = 20_000;
    /** Three standard errors of a distinct count. */
    private static final double DISTINCT_ERROR = 0.048;

    private static final double RANK_ERROR = 0.0133;

    @Test
    void of_manyEvents_areWithinTheErrorsThatAreStated() {
        Random random = new Random(7);
        List<String> events = new ArrayList<>();
        double[] prices = new double[EVENTS];
        Set<Integer> users = new HashSet<>();
        for (int i = 0; i < EVENTS; i++) {
            int user = random.nextInt(EVENTS);
            users.add(user);
            prices[i] = random.nextInt(1_000_000) / 4.0;
            events.add("{\"event_type\":\"a\",\"params\":{\"user\":" + user + ",\"price\":" + prices[i] + "}}");
        }
        Row row = counts(new Aggregates("user", "price"), events).first();
        Arrays.sort(prices);
        assertThat(row.<Long>getAs("count")).isEqualTo(EVENTS);
        assertThat(row.<Long>getAs("distinct").doubleValue())
                .isCloseTo(users.size(), within(DISTINCT_ERROR * users.size()));
        assertThat(row.<Double>getAs("sum")).isEqualTo(Arrays.stream(prices).sum());
        assertThat(row.<Double>getAs("min")).isEqualTo(prices[0]);
        assertThat(row.<Double>getAs("max")).isEqualTo(prices[EVENTS - 1]);
        for (int percentile : new int[] {50, 95, 99}) {
            double rank = percentile / 100.0;
            assertThat(row.<Double>getAs("p" + percentile))
                    .isBetween(at(prices, rank - RANK_ERROR), at(prices, rank + RANK_ERROR));
        }
    }

    private static double at(double[] sorted, double rank) {
        return sorted[(int) Math.min(EVENTS - 1, rank * EVENTS)];
    }

    @Test
    void of_duplicatesAndLateEvents_sumUpNothing() {
        String event = "{\"event_type\":\"a\",\"event_id\":\"1\",\"params\":{\"user\":\"u\",\"price\":2}}";
        String late = event.replace("\"event_id\":\"1\"", "\"timestamp\":1");
        List<Row> rows = counts(new Aggregates("user", "price"), List.of(event, event, late))
                .orderBy("outcome")
                .select("outcome", "count", "distinct", "sum", "p50")
                .collectAsList();
        assertThat(rows)
                .containsExactly(
                        RowFactory.create("counted", 1L, 1L, 2.0, 2.0),
                        RowFactory.create("duplicate", 1L, 0L, null, null),
                        RowFactory.create("late", 1L, 0L, null, null));
    }

    @Test
    void of_oneOfThem_hasItsColumnsAlone() {
        assertThat(counts(new Aggregates("user", ""), List.of()).columns())
                .containsExactly("window", "event_type", "outcome", "count", "distinct");
        assertThat(counts(new Aggregates("", "price"), List.of()).columns())
                .containsExactly("window", "event_type", "outcome", "count", "sum", "min", "max", "p50", "p95", "p99");
    }

    private static Dataset<Row> counts(Aggregates aggregates, List<String> events) {
        List<Row> rows = events.stream()
                .map(event -> RowFactory.create(event.getBytes(UTF_8), Timestamp.from(RECEIVED), 0, 0L))
                .toList();
        StructType record = new StructType()
                .add("value", DataTypes.BinaryType)
                .add("timestamp", DataTypes.TimestampType)
                .add("partition", DataTypes.IntegerType)
                .add("offset", DataTypes.LongType);
        return new Counts(MINUTE, MINUTE, MINUTE, MINUTE, aggregates, DeadLetters.NONE)
                .of(SPARK.createDataFrame(rows, record));
    }
}
