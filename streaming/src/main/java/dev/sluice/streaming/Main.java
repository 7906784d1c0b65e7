package dev.sluice.streaming;

import dev.sluice.settings.Environment;
import dev.sluice.settings.LogFormat;
import dev.sluice.settings.SettingsException;
import org.apache.spark.sql.SparkSession;
import org.slf4j.LoggerFactory;

/** Counts events until SIGTERM or SIGINT; a query that fails ends the process with status 1. */
public final class Main {
    private static final int JDK = 17;

    private Main() {}

    public static void main(String[] arguments) {
        Logs.begin(new Environment(System.getenv()));
        if (arguments.length > 0) {
            // java -jar opens Java's modules to Spark, which java -cp would not
            runJob(arguments);
            return;
        }
        Start start = start(new Environment(System.getenv()));
        Settings settings = start.settings;
        Shutdown shutdown = new Shutdown();
        shutdown.install();
        Metrics metrics = new Metrics();
        Health health = new Health(settings.trigger(), System::nanoTime);
        OffsetMirror mirror = new OffsetMirror(settings.group(), settings.consumer());
        try (Operations operations = new Operations(settings, metrics, health)) {
            AwaitedTopics topics = new AwaitedTopics(settings.awaited(), settings.consumer());
            topics.await(LoggerFactory.getLogger(Main.class)::warn);
            SparkSession spark = Session.start(settings.partitions(), settings.checkpoint());
            try (Sinks sinks = Sinks.open(settings, start.begun, metrics, health)) {
                spark.streams().addListener(new ProgressListener(spark, metrics, health, mirror, sinks::tell));
                new Service(settings, sinks, topics, spark, health, shutdown).run();
            }
        } catch (Exception e) {
            // Spark's threads would keep a process without its main thread alive
            health.ended();
            shutdown.fail("The query failed: " + KafkaTrouble.reason(e));
        }
    }

    private static void runJob(String[] arguments) {
        switch (arguments[0]) {
            case "replay" -> Replay.main(arguments);
            case "backfill" -> Backfill.main(arguments);
            case "recount" -> Recount.main(arguments);
            case "offload" -> {
                checkLake();
                Offload.main(arguments);
            }
            case "query" -> {
                checkLake();
                Query.main(arguments);
            }
            default -> {
                System.err.println(arguments[0]
                        + ": must be replay, backfill, recount, offload or query, or nothing to count what comes in");
                System.exit(1);
            }
        }
    }

    /** The query goes without these libraries, and its jar does not name them. */
    private static void checkLake() {
        try {
            Class.forName("org.apache.iceberg.Table", false, Main.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            System.err.println("Iceberg is not on the class path: run sluice-lake.jar, or name it to spark-submit's"
                    + " --packages");
            System.exit(1);
        }
    }

    /** @param begun when the checkpoint was begun */
    private record Start(Settings settings, long begun) {}

    private static Start start(Environment environment) {
        Settings.hints(environment).forEach(System.err::println);
        try {
            if (Runtime.version().feature() != JDK) {
                environment.problem("Java " + Runtime.version().feature() + " at " + System.getProperty("java.home")
                        + ": Spark 3.5 needs Java " + JDK + "; point JAVA_HOME at one");
            }
            Settings settings = Settings.collect(environment);
            LogFormat.of(environment); // the log has it before this; only here can a wrong one end the start
            Operations.checkPort(environment, settings);
            CheckpointGuard guard = new CheckpointGuard(settings);
            guard.check(environment);
            environment.check();
            long begun = guard.write(environment);
            environment.check();
            return new Start(settings, begun);
        } catch (SettingsException e) {
            System.err.println("Streaming cannot start:" + System.lineSeparator() + e.getMessage());
            System.exit(1);
            throw e;
        }
    }
}
