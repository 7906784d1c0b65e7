package dev.sluice.local;

import dev.sluice.events.RealCassandra;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The offload and the query, as processes. */
final class Lake {
    private static final int PATIENCE_MINUTES = 3;
    private static final long POLL_MILLIS = 2;

    private final Path folder;
    private final RealCassandra cassandra;
    private final Map<String, String> common;
    private int runs;

    /** @param common settings of each run */
    Lake(Path folder, RealCassandra cassandra, Map<String, String> common) {
        this.common = common;
        this.folder = folder;
        this.cassandra = cassandra;
    }

    /** @return what it said */
    String offload(Map<String, String> settings) throws Exception {
        return ended("offload", settings);
    }

    /** @return its table, without what aligns it */
    String query(String sql) throws Exception {
        return ended("query", Map.of("SQL", sql)).replaceAll(" +\\|", "|");
    }

    /** SIGKILL as soon as it says so. */
    void killAt(String step, Map<String, String> settings) throws Exception {
        Path log = log();
        Process process = start(log, "offload", settings);
        Processes.await(() -> Processes.text(log).contains(step), process, log, POLL_MILLIS);
        process.destroyForcibly().onExit().join();
    }

    private String ended(String job, Map<String, String> settings) throws Exception {
        Path log = log();
        Process process = start(log, job, settings);
        if (!process.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES)) {
            process.destroyForcibly().onExit().join();
        }
        String said = Files.readString(log);
        if (process.exitValue() != 0) {
            throw new IllegalStateException(job + " failed:\n" + said);
        }
        return said;
    }

    private Path log() {
        return folder.resolve("lake-" + runs++ + ".log");
    }

    Process start(Path log, String job, Map<String, String> more) throws Exception {
        Map<String, String> settings = new HashMap<>(Map.of(
                "CASSANDRA_CONTACT_POINTS",
                cassandra.contactPoint(),
                "CASSANDRA_CREATE",
                "1",
                "CASSANDRA_REPLICAS",
                "1",
                "OFFLOAD_PATH",
                folder.resolve("lake").toString()));
        settings.putAll(common);
        settings.putAll(more);
        return Processes.java(
                log,
                settings,
                "-Xmx512m",
                "-XX:+UseSerialGC",
                "-jar",
                Processes.artifact("streaming/target/sluice-lake.jar"),
                job);
    }
}
