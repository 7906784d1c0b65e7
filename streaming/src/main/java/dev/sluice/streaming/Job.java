package dev.sluice.streaming;

import dev.sluice.settings.Environment;
import dev.sluice.settings.SettingsException;
import java.io.PrintStream;
import java.util.function.Function;
import org.apache.spark.sql.SparkSession;

/**
 * Something that is done once and ends, beside the query: status 0 when it was done, 1 and the reason when not.
 *
 * @param settings reads what the job is started with
 */
record Job<S>(String name, Function<Environment, S> settings, Work<S> work) {
    /** What the job does; {@code out} is told what it is about to do and what it did. */
    interface Work<S> {
        void run(SparkSession spark, S settings, PrintStream out) throws Exception;
    }

    /** Never returns. */
    void main() {
        S read = read();
        int status = 0;
        try (SparkSession spark = Session.startJob()) {
            work.run(spark, read, System.out);
        } catch (Exception e) {
            System.err.println(name + " failed: " + KafkaTrouble.reason(e));
            status = 1;
        }
        // threads of Spark and of Kafka's clients would keep the process alive
        System.exit(status);
    }

    private S read() {
        try {
            return settings.apply(new Environment(System.getenv()));
        } catch (SettingsException e) {
            System.err.println(name + " cannot start:" + System.lineSeparator() + e.getMessage());
            System.exit(1);
            throw e;
        }
    }
}
