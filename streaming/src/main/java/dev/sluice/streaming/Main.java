package dev.sluice.streaming;

import dev.sluice.settings.Environment;
import dev.sluice.settings.SettingsException;
import java.io.OutputStream;
import java.io.PrintStream;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.apache.spark.sql.streaming.StreamingQueryException;

/** Counts events until SIGTERM or SIGINT; a query that fails ends the process with status 1. */
public final class Main {
    private static final int JDK = 17;

    private Main() {}

    public static void main(String[] arguments) throws InterruptedException {
        Settings settings = settings(new Environment(System.getenv()));
        Shutdown shutdown = new Shutdown();
        shutdown.install();
        Metrics metrics = new Metrics();
        Health health = new Health(settings.trigger(), System::nanoTime);
        try (Operations operations = new Operations(settings, metrics, health)) {
            new AwaitedTopics(settings.topics().all(), settings.consumer()).await(System.err);
            SparkSession spark = Session.start(settings.partitions());
            Counting.warmUp(spark, settings, new ConsoleSink(new PrintStream(OutputStream.nullOutputStream())));
            OffsetMirror mirror = new OffsetMirror(settings.group(), settings.consumer());
            spark.streams().addListener(new ProgressListener(spark, metrics, health, mirror));
            health.started();
            StreamingQuery query = Counting.start(spark, settings, new ConsoleSink(System.out));
            shutdown.stopBeforeSpark(spark, query);
            awaitFirstTrigger(query);
            health.counting();
            System.out.println(banner(settings));
            query.awaitTermination();
            health.ended();
        } catch (Exception e) {
            health.ended();
            // Spark's threads would keep a process without its main thread alive
            System.err.println("The query failed: " + rootCause(e));
            shutdown.exit(1);
        }
    }

    private static Settings settings(Environment environment) {
        Settings.hints(environment).forEach(System.err::println);
        try {
            if (Runtime.version().feature() != JDK) {
                environment.problem("Java " + Runtime.version().feature() + " at " + System.getProperty("java.home")
                        + ": Spark 3.5 needs Java " + JDK + "; point JAVA_HOME at one");
            }
            Settings settings = Settings.collect(environment);
            Operations.checkPort(environment, settings);
            environment.check();
            return settings;
        } catch (SettingsException e) {
            System.err.println("Streaming cannot start:" + System.lineSeparator() + e.getMessage());
            System.exit(1);
            throw e;
        }
    }

    private static void awaitFirstTrigger(StreamingQuery query) throws StreamingQueryException {
        while (query.lastProgress() == null && !query.status().message().startsWith("Waiting for")) {
            if (query.awaitTermination(50)) {
                return;
            }
        }
    }

    private static String banner(Settings settings) {
        return "Counting topics " + String.join(", ", settings.topics().all()) + " at "
                + settings.consumer().get("bootstrap.servers") + " in windows of "
                + settings.window().toString().substring(2).toLowerCase(java.util.Locale.ROOT);
    }

    private static String rootCause(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getClass().getSimpleName() + ": " + cause.getMessage();
    }
}
