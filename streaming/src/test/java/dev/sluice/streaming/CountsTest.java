package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.Golden;
import dev.sluice.events.Mutations;
import dev.sluice.events.Reference;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
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
    private static final StructType RECORD =
            new StructType().add("value", DataTypes.BinaryType).add("timestamp", DataTypes.TimestampType);
    private static final Counts COUNTS =
            new Counts(Duration.ofMinutes(1), Duration.ofMinutes(10), Duration.ofMinutes(1));
    private static final Instant RECEIVED = Instant.parse("2026-03-01T12:00:30Z");

    /** A record, and the outcome that plain Java gives it. */
    record Sample(String json, Instant received, Outcome outcome, String type, Instant eventTime) {}

    @Test
    void outcomes_goldenSamples_areReadAsTheGatewayReadsThem() {
        List<Row> records = Golden.valid().stream()
                .map(sample -> row(sample.bytes(), RECEIVED))
                .toList();
        List<Row> read = COUNTS.outcomes(dataset(records)).collectAsList();
        for (int i = 0; i < read.size(); i++) {
            Golden.Valid sample = Golden.valid().get(i);
            Row row = read.get(i);
            assertThat(row.<String>getAs("event_type")).as(sample.name()).isEqualTo(sample.eventType());
            assertThat(row.<String>getAs("event_id"))
                    .as(sample.name())
                    .isEqualTo(sample.eventId().orElse(null));
            assertThat(row.<Long>getAs("timestamp"))
                    .as(sample.name())
                    .isEqualTo(
                            sample.timestamp().isPresent() ? sample.timestamp().getAsLong() : null);
            assertThat(row.<String>getAs("outcome")).as(sample.name()).isNotEqualTo("malformed");
        }
    }

    /** What the gateway takes is exactly what the reference reads: its own tests hold it against the same. */
    @Property(tries = 10)
    void outcomes_mutatedSamples_areReadAsTheReferenceReadsThem(@ForAll Random random) {
        List<byte[]> samples =
                Stream.generate(() -> Mutations.next(random)).limit(2_000).toList();
        List<Row> records =
                samples.stream().map(sample -> row(sample, RECEIVED)).toList();
        List<Row> read = COUNTS.outcomes(dataset(records)).collectAsList();
        for (int i = 0; i < samples.size(); i++) {
            Row row = read.get(i);
            String shown = new String(samples.get(i), UTF_8);
            Reference.read(samples.get(i)).ifPresent(event -> {
                assertThat(row.<String>getAs("outcome")).as(shown).isNotEqualTo("malformed");
                assertThat(row.<String>getAs("event_type")).as(shown).isEqualTo(event.eventType());
                assertThat(row.<String>getAs("event_id"))
                        .as(shown)
                        .isEqualTo(event.eventId().orElse(null));
                assertThat(row.<Long>getAs("timestamp"))
                        .as(shown)
                        .isEqualTo(
                                event.timestamp().isPresent()
                                        ? event.timestamp().getAsLong()
                                        : null);
            });
        }
    }

    @Test
    void outcomes_edgesOfLatenessAndSkew_areWithin() {
        assertThat(outcome(dated(RECEIVED.minus(COUNTS.lateness())))).isEqualTo("counted");
        assertThat(outcome(dated(RECEIVED.minus(COUNTS.lateness()).minusMillis(1))))
                .isEqualTo("late");
        assertThat(outcome(dated(RECEIVED.plus(COUNTS.skew())))).isEqualTo("counted");
        assertThat(outcome(dated(RECEIVED.plus(COUNTS.skew()).plusMillis(1)))).isEqualTo("future");
    }

    @Test
    void outcomes_notAnEvent_isMalformed() {
        for (String json : List.of(
                "",
                "null",
                "[]",
                "{",
                "{}",
                "text",
                "{\"event_type\":null}",
                "{\"event_type\":\"a\",\"timestamp\":\"1\"}",
                "{\"event_type\":\"a\",\"timestamp\":1.5}",
                "{\"event_type\":\"a\",\"timestamp\":-1}",
                "{\"event_type\":\"a\",\"timestamp\":253402300800000}",
                "{\"event_type\":\"a\",\"timestamp\":9223372036854775807}",
                "{\"event_type\":\"a\",\"timestamp\":99999999999999999999}")) {
            assertThat(outcome(json)).as(json).isEqualTo("malformed");
        }
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

    @Property(tries = 40)
    void of_anyRecords_areAsPlainJavaCountsThem(@ForAll("streams") List<Sample> samples) {
        Map<List<Object>, Long> expected = new HashMap<>();
        List<Row> records = new ArrayList<>();
        for (Sample sample : samples) {
            records.add(row(sample.json.getBytes(UTF_8), sample.received));
            long minute = Math.floorDiv(sample.eventTime.toEpochMilli(), 60_000L) * 60_000L;
            String type = sample.outcome == Outcome.MALFORMED ? "-" : sample.type;
            expected.merge(List.of(minute, type, sample.outcome.code()), 1L, Long::sum);
        }
        Map<List<Object>, Long> counted = new HashMap<>();
        for (Row row : COUNTS.of(dataset(records))
                .selectExpr("window.start", "coalesce(event_type, '-')", "outcome", "count")
                .collectAsList()) {
            counted.put(List.of(row.getTimestamp(0).getTime(), row.getString(1), row.getString(2)), row.getLong(3));
        }
        assertThat(counted).isEqualTo(expected);
    }

    @Provide
    Arbitrary<List<Sample>> streams() {
        Arbitrary<Instant> received =
                Arbitraries.longs().between(0, 7_200_000).map(millis -> RECEIVED.plusMillis(millis));
        Arbitrary<Long> offset = Arbitraries.frequencyOf(
                net.jqwik.api.Tuple.of(6, Arbitraries.longs().between(-600_000, 60_000)),
                net.jqwik.api.Tuple.of(2, Arbitraries.longs().between(-700_000, 200_000)),
                net.jqwik.api.Tuple.of(1, Arbitraries.longs().between(-1_700_000_000_000L, 200_000_000_000_000L)));
        Arbitrary<String> type = Arbitraries.of("a", "b", "user_click");
        Arbitrary<Sample> dated = Combinators.combine(received, offset, type).as(CountsTest::dated);
        Arbitrary<Sample> undated = Combinators.combine(received, type)
                .as((at, name) -> new Sample("{\"event_type\":\"" + name + "\"}", at, Outcome.COUNTED, name, at));
        Arbitrary<Sample> garbage = Combinators.combine(
                        received, Arbitraries.strings().ascii().ofMaxLength(12).map(text -> "{" + text))
                .as((at, text) -> new Sample(text, at, Outcome.MALFORMED, "", at));
        return Arbitraries.frequencyOf(
                        net.jqwik.api.Tuple.of(6, dated),
                        net.jqwik.api.Tuple.of(2, undated),
                        net.jqwik.api.Tuple.of(1, garbage))
                .list()
                .ofMaxSize(200);
    }

    private static Sample dated(Instant received, long offset, String type) {
        Instant timestamp = received.plusMillis(offset);
        Outcome outcome = Outcome.COUNTED;
        if (offset < -COUNTS.lateness().toMillis()) {
            outcome = Outcome.LATE;
        } else if (offset > COUNTS.skew().toMillis()) {
            outcome = Outcome.FUTURE;
        }
        String json = "{\"event_type\":\"" + type + "\",\"timestamp\":" + timestamp.toEpochMilli() + "}";
        return new Sample(json, received, outcome, type, outcome == Outcome.COUNTED ? timestamp : received);
    }

    private static String dated(Instant timestamp) {
        return "{\"event_type\":\"a\",\"timestamp\":" + timestamp.toEpochMilli() + "}";
    }

    private static String outcome(String json) {
        Dataset<Row> one = dataset(List.of(row(json.getBytes(UTF_8), RECEIVED)));
        return COUNTS.outcomes(one).select("outcome").first().getString(0);
    }

    private static Row row(byte[] value, Instant received) {
        return RowFactory.create(value, Timestamp.from(received));
    }

    private static Dataset<Row> dataset(List<Row> rows) {
        return SPARK.createDataFrame(rows, RECORD);
    }
}
