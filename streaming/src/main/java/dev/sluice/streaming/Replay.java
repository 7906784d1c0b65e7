package dev.sluice.streaming;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat_ws;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.first;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.when;

import java.io.PrintStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Sends dead letters to the topics that they came from, each record once: as they were, trace included, but received anew. */
public final class Replay {
    private static final Job<ReplaySettings> JOB = new Job<>("The replay", ReplaySettings::read, Replay::run);

    private static final String REASON = "reason";
    /** What tells a record from any other. */
    private static final String PLACE = "place";

    /** As the record had it; the other headers are the letter's own. */
    private static final String TRACE =
            "filter(headers, header -> header.key in ('" + String.join("', '", DeadLetters.TRACE) + "'))";

    private static final String RECORDS = "records";
    private static final String LETTERS = "letters";

    private Replay() {}

    public static void main(String[] arguments) {
        JOB.main();
    }

    static void run(SparkSession spark, ReplaySettings settings, PrintStream out) throws Exception {
        StoredRange range = StoredRange.find(settings.range(), Set.of(settings.deadLetters()), settings.consumer());
        out.printf(
                "Replay of topic %s, letters %s: %,d to look at%n",
                settings.deadLetters(), range.time(), range.records());
        Dataset<Row> letters = letters(range.read(spark), settings.reasons());
        List<Row> plan = range.shown(spark, out, () -> plan(letters));
        long records = show(plan, out);
        check(plan, settings.topics());
        if (settings.dryRun()) {
            out.println("DRY_RUN=1: nothing is sent.");
        } else if (records > 0) {
            long start = System.nanoTime();
            out.printf("Sending %,d records.%n", records);
            range.shown(spark, out, () -> send(letters, settings.consumer()));
            out.printf("Sent %,d records in %.1f s.%n", records, (System.nanoTime() - start) / 1e9);
        } else {
            out.println("There is nothing to send.");
        }
    }

    /** The records that the letters are about, with repetitions; what is no letter has no reason. */
    private static Dataset<Row> letters(Dataset<Row> stored, List<String> reasons) {
        Column[] origin = {header(DeadLetters.TOPIC), header(DeadLetters.PARTITION), header(DeadLetters.OFFSET)};
        Column isLetter = origin[0].isNotNull().and(origin[1].isNotNull()).and(origin[2].isNotNull());
        Column own = concat_ws("/", lit(""), col("topic"), col("partition"), col("offset"));
        Column reason = when(isLetter, header(DeadLetters.REASON));
        return stored.select(
                        reason.as(REASON),
                        origin[0].as("topic"),
                        when(isLetter, concat_ws("/", origin)).otherwise(own).as(PLACE),
                        col("key"),
                        col("value"),
                        expr(TRACE).as(DeadLetters.HEADERS))
                .where(col(REASON).isNull().or(col(REASON).isin(reasons.toArray())));
    }

    private static Column header(String name) {
        return expr("cast(filter(headers, header -> header.key = '" + name + "')[0].value as string)");
    }

    /** How many of each reason are for which topic. */
    private static List<Row> plan(Dataset<Row> letters) {
        return letters.groupBy(PLACE)
                .agg(
                        first(REASON).as(REASON),
                        first("topic").as("topic"),
                        count(lit(1)).as(LETTERS))
                .groupBy(REASON, "topic")
                .agg(count(lit(1)).as(RECORDS), sum(LETTERS).as(LETTERS))
                .orderBy("topic", REASON)
                .collectAsList();
    }

    private static long show(List<Row> plan, PrintStream out) {
        long records = 0;
        long repetitions = 0;
        long others = 0;
        for (Row row : plan) {
            long these = row.<Long>getAs(RECORDS);
            if (row.getAs(REASON) == null) {
                others += these;
            } else {
                out.printf("  %,12d %-9s to %s%n", these, row.getAs(REASON), row.getAs("topic"));
                records += these;
                repetitions += row.<Long>getAs(LETTERS) - these;
            }
        }
        out.printf("Left out: %,d repetitions, %,d records that are no letters%n", repetitions, others);
        return records;
    }

    /** @throws IllegalStateException where a record would go to a topic that nobody counts */
    private static void check(List<Row> plan, Set<String> counted) {
        Set<String> others = new TreeSet<>();
        plan.stream()
                .filter(row -> row.getAs(REASON) != null)
                .map(row -> row.<String>getAs("topic"))
                .filter(topic -> !counted.contains(topic))
                .forEach(others::add);
        if (!others.isEmpty()) {
            throw new IllegalStateException("letters came from topics that are not read (" + String.join(", ", others)
                    + "): set EVENTS_TOPIC and TOPIC_ROUTES as streaming has them");
        }
    }

    private static boolean send(Dataset<Row> letters, Map<String, String> consumer) {
        Map<String, String> options = new HashMap<>();
        DeadLetters.producer(consumer).forEach((name, value) -> options.put("kafka." + name, value));
        letters.where(col(REASON).isNotNull())
                .dropDuplicates(PLACE)
                .select("topic", "key", "value", DeadLetters.HEADERS)
                .write()
                .format("kafka")
                .options(options)
                .save();
        return true;
    }
}
