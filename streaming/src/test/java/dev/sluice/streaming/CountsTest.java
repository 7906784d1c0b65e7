package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.Golden;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;

/** The transform on static rows. */
class CountsTest {
    private static final SparkSession SPARK = Sessions.local();
    private static final StructType RECORD = new StructType()
            .add("value", DataTypes.BinaryType)
            .add("timestamp", DataTypes.TimestampType)
            .add("partition", DataTypes.IntegerType)
            .add("offset", DataTypes.LongType);
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final Counts COUNTS = new Counts(MINUTE, MINUTE, Duration.ofMinutes(10), MINUTE);
    private static final Instant RECEIVED = Instant.parse("2026-03-01T12:00:30Z");

    /** A record, and the outcome that plain Java gives it, but for duplicates; {@code id} is empty for none. */
    record Sample(String json, Instant received, Outcome outcome, String type, String id, Instant eventTime) {}

    @Test
    void of_edgesOfLatenessAndSkew_areWithin() {
        assertThat(outcome(dated(RECEIVED.minus(COUNTS.lateness())))).isEqualTo("counted");
        assertThat(outcome(dated(RECEIVED.minus(COUNTS.lateness()).minusMillis(1))))
                .isEqualTo("late");
        assertThat(outcome(dated(RECEIVED.plus(COUNTS.skew())))).isEqualTo("counted");
        assertThat(outcome(dated(RECEIVED.plus(COUNTS.skew()).plusMillis(1)))).isEqualTo("future");
    }

    @Test
    void of_recordWithoutValue_isMalformed() {
        List<Row> counts = COUNTS.of(dataset(List.of(row(null, RECEIVED))))
                .select("outcome", "count")
                .collectAsList();
        assertThat(counts).containsExactly(RowFactory.create("malformed", 1L));
    }

    @Test
    void of_notCounted_fallsIntoTheWindowOfItsReceipt() {
        List<Row> counts = COUNTS.of(dataset(List.of(row(Golden.PROTOTYPE.getBytes(UTF_8), RECEIVED))))
                .select("window.start", "event_type", "outcome", "count")
                .collectAsList();
        Timestamp minute = Timestamp.from(Instant.parse("2026-03-01T12:00:00Z"));
        assertThat(counts).containsExactly(RowFactory.create(minute, "user_click", "late", 1L));
    }

    /** Windows of five minutes, a new one each minute: each event is in five. */
    @Test
    void of_slidingWindows_countAnEventInEach() {
        Counts sliding = new Counts(Duration.ofMinutes(5), MINUTE, Duration.ofMinutes(10), MINUTE);
        List<Row> counts = sliding.of(dataset(List.of(row("{\"event_type\":\"a\"}".getBytes(UTF_8), RECEIVED))))
                .orderBy("window")
                .select("window.start", "window.end", "count")
                .collectAsList();
        assertThat(counts).hasSize(5);
        for (int i = 0; i < counts.size(); i++) {
            Instant start = Instant.parse("2026-03-01T11:56:00Z").plus(MINUTE.multipliedBy(i));
            assertThat(counts.get(i))
                    .isEqualTo(RowFactory.create(
                            Timestamp.from(start), Timestamp.from(start.plus(Duration.ofMinutes(5))), 1L));
        }
    }

    @Property(tries = 40)
    void of_anyRecords_areAsPlainJavaCountsThem(@ForAll("streams") List<Sample> samples) {
        Map<List<Object>, Long> counted = new HashMap<>();
        List<Row> records = samples.stream()
                .map(sample -> row(sample.json.getBytes(UTF_8), sample.received))
                .toList();
        for (Row row : COUNTS.of(dataset(records))
                .selectExpr("window.start", "coalesce(event_type, '-')", "outcome", "count")
                .collectAsList()) {
            counted.put(List.of(row.getTimestamp(0).getTime(), row.getString(1), row.getString(2)), row.getLong(3));
        }
        assertThat(counted).isEqualTo(reference(samples));
        assertThat(counted.values().stream().mapToLong(Long::longValue).sum()).isEqualTo(samples.size());
    }

    private static Map<List<Object>, Long> reference(List<Sample> samples) {
        Map<List<Object>, Long> expected = new HashMap<>();
        List<Sample> byReceipt = new ArrayList<>(samples);
        byReceipt.sort(java.util.Comparator.comparing(Sample::received));
        // until which receipt each id is known
        Map<String, Long> ids = new HashMap<>();
        for (Sample sample : byReceipt) {
            Outcome outcome = sample.outcome;
            Instant at = outcome == Outcome.COUNTED ? sample.eventTime : sample.received;
            if (outcome == Outcome.COUNTED && !sample.id.isEmpty()) {
                if (sample.received.toEpochMilli() < ids.getOrDefault(sample.id, Long.MIN_VALUE)) {
                    outcome = Outcome.DUPLICATE;
                    at = sample.received;
                } else {
                    long nextMinute = Math.floorDiv(at.toEpochMilli(), 60_000L) * 60_000L + 60_000L;
                    ids.put(sample.id, nextMinute + COUNTS.lateness().toMillis());
                }
            }
            long minute = Math.floorDiv(at.toEpochMilli(), 60_000L) * 60_000L;
            String type = outcome == Outcome.MALFORMED ? "-" : sample.type;
            expected.merge(List.of(minute, type, outcome.code()), 1L, Long::sum);
        }
        return expected;
    }

    @Provide
    Arbitrary<List<Sample>> streams() {
        // no two at once, or which of two with one id comes first would be for chance to say
        Arbitrary<List<Long>> times = Arbitraries.longs()
                .between(0, 7_200_000)
                .list()
                .uniqueElements()
                .ofMaxSize(200);
        return times.flatMap(at -> Combinators.combine(at.stream()
                        .map(millis -> sample(RECEIVED.plusMillis(millis)))
                        .toList())
                .as(samples -> samples));
    }

    private static Arbitrary<Sample> sample(Instant received) {
        Arbitrary<Long> offset = Arbitraries.frequencyOf(
                Tuple.of(6, Arbitraries.longs().between(-600_000, 60_000)),
                Tuple.of(2, Arbitraries.longs().between(-700_000, 200_000)),
                Tuple.of(1, Arbitraries.longs().between(-1_700_000_000_000L, 200_000_000_000_000L)));
        Arbitrary<String> type = Arbitraries.of("a", "b", "user_click");
        Arbitrary<String> id = Arbitraries.of("", "", "", "1", "2", "3", "4", "5");
        Arbitrary<String> garbage = Arbitraries.strings().ascii().ofMaxLength(12);
        return Arbitraries.frequencyOf(
                Tuple.of(
                        6, Combinators.combine(offset, type, id).as((by, name, key) -> dated(received, by, name, key))),
                Tuple.of(2, Combinators.combine(type, id).as((name, key) -> undated(received, name, key))),
                Tuple.of(
                        1, garbage.map(text -> new Sample("{" + text, received, Outcome.MALFORMED, "", "", received))));
    }

    private static Sample undated(Instant received, String type, String id) {
        return new Sample(json(type, id, ""), received, Outcome.COUNTED, type, id, received);
    }

    private static Sample dated(Instant received, long offset, String type, String id) {
        Instant timestamp = received.plusMillis(offset);
        Outcome outcome = Outcome.COUNTED;
        if (offset < -COUNTS.lateness().toMillis()) {
            outcome = Outcome.LATE;
        } else if (offset > COUNTS.skew().toMillis()) {
            outcome = Outcome.FUTURE;
        }
        String json = json(type, id, ",\"timestamp\":" + timestamp.toEpochMilli());
        return new Sample(json, received, outcome, type, id, timestamp);
    }

    private static String json(String type, String id, String more) {
        String key = id.isEmpty() ? "" : ",\"event_id\":\"" + id + "\"";
        return "{\"event_type\":\"" + type + "\"" + key + more + "}";
    }

    private static String dated(Instant timestamp) {
        return json("a", "", ",\"timestamp\":" + timestamp.toEpochMilli());
    }

    private static String outcome(String json) {
        Dataset<Row> one = dataset(List.of(row(json.getBytes(UTF_8), RECEIVED)));
        return COUNTS.of(one).select("outcome").first().getString(0);
    }

    private static Row row(byte[] value, Instant received) {
        return RowFactory.create(value, Timestamp.from(received), 0, 0L);
    }

    private static Dataset<Row> dataset(List<Row> rows) {
        return SPARK.createDataFrame(rows, RECORD);
    }
}
