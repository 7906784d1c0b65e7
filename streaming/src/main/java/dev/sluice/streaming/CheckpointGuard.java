package dev.sluice.streaming;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.settings.Environment;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.apache.spark.sql.execution.streaming.CheckpointFileManager;

/**
 * Keeps beside a checkpoint with which settings it was written, and refuses a start that could not continue it: Spark goes
 * on with the old number of partitions without a word, mixes windows of two lengths, and fails for a topic that is gone.
 */
final class CheckpointGuard {
    static final String FILE = "sluice.json";
    static final int FORMAT = 2;
    private static final String BEGUN = "begunMillis";

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Settings settings;

    CheckpointGuard(Settings settings) {
        this.settings = settings;
    }

    /** Notes in {@code environment} why the checkpoint cannot be continued. */
    void check(Environment environment) {
        try {
            CheckpointFileManager files = files();
            if (!hasOffsets(files)) {
                return;
            }
            if (files.exists(file())) {
                problems(read(files)).forEach(environment::problem);
            } else {
                environment.problem(prefix() + "there is no " + FILE + ", so nobody knows with which settings it was"
                        + " written: by an earlier version, or the file was deleted. " + fresh());
            }
        } catch (Exception e) { // what Scala throws is not declared
            environment.problem(prefix() + "it cannot be read: " + KafkaTrouble.reason(e));
        }
    }

    /**
     * Notes down the settings; before the first batch, and once {@link #check} has no objection.
     *
     * @return when the checkpoint was begun, in milliseconds since 1970 UTC: the same with every start on it
     */
    long write(Environment environment) {
        long begun = System.currentTimeMillis();
        ObjectNode json = JSON.createObjectNode()
                .put("format", FORMAT)
                .put("partitions", settings.partitions())
                .put("windowMillis", settings.window().toMillis())
                .put("slideMillis", settings.slide().toMillis())
                .put("distinctOf", settings.aggregates().distinctOf())
                .put("valueOf", settings.aggregates().valueOf());
        settings.topics().all().forEach(json.putArray("topics")::add);
        try {
            CheckpointFileManager files = files();
            files.mkdirs(folder());
            begun = files.exists(file()) ? read(files).path(BEGUN).asLong(begun) : begun;
            json.put(BEGUN, begun);
            // there as a whole or not at all, on any file system that Spark can keep a checkpoint on
            try (var out = files.createAtomic(file(), true)) {
                out.write(JSON.writeValueAsBytes(json));
            }
        } catch (Exception e) { // what Scala throws is not declared
            environment.problem(prefix() + "it cannot be written: " + KafkaTrouble.reason(e));
        }
        return begun;
    }

    private boolean hasOffsets(CheckpointFileManager files) {
        Path offsets = new Path(folder(), "offsets");
        if (!files.exists(offsets)) {
            return false;
        }
        for (FileStatus batch : files.list(offsets)) {
            if (batch.getPath().getName().matches("\\d+")) {
                return true;
            }
        }
        return false;
    }

    private JsonNode read(CheckpointFileManager files) throws IOException {
        try (InputStream in = files.open(file())) {
            return JSON.readTree(in);
        }
    }

    private List<String> problems(JsonNode old) {
        int format = old.path("format").asInt();
        if (format != FORMAT) {
            return List.of(prefix() + FILE + " there has the format " + old.path("format") + ", and this version knows "
                    + FORMAT + ": it was written by " + (format > FORMAT ? "a later" : "an earlier")
                    + " one. Run that; or, to go on with this one: " + fresh());
        }
        List<String> problems = new ArrayList<>();
        differs(
                problems,
                Settings.PARTITIONS.name(),
                old.path("partitions").asText(),
                Integer.toString(settings.partitions()));
        Duration oldWindow = Duration.ofMillis(old.path("windowMillis").asLong());
        Duration oldSlide = Duration.ofMillis(old.path("slideMillis").asLong());
        differs(problems, Settings.WINDOW.name(), text(oldWindow), text(settings.window()));
        boolean tumbling = oldSlide.equals(oldWindow) && settings.slide().equals(settings.window());
        if (!tumbling) {
            differs(problems, Settings.SLIDE.name(), text(oldSlide), text(settings.slide()));
        }
        differs(
                problems,
                Settings.DISTINCT_OF.name(),
                old.path("distinctOf").asText(),
                settings.aggregates().distinctOf());
        differs(
                problems,
                Settings.VALUE_OF.name(),
                old.path("valueOf").asText(),
                settings.aggregates().valueOf());
        TreeSet<String> gone = new TreeSet<>();
        old.path("topics").forEach(topic -> gone.add(topic.asText()));
        String oldTopics = String.join(", ", gone);
        gone.removeAll(settings.topics().all());
        if (!gone.isEmpty()) {
            problems.add("EVENTS_TOPIC, TOPIC_ROUTES: they name the topics "
                    + String.join(", ", new TreeSet<>(settings.topics().all())) + ", but the checkpoint "
                    + settings.checkpoint() + " was written with " + oldTopics + " and cannot go on without "
                    + String.join(", ", gone) + ". Name those again; or, to begin anew: " + fresh());
        }
        return problems;
    }

    private void differs(List<String> problems, String setting, String old, String now) {
        if (!old.equals(now)) {
            problems.add(
                    setting + "=" + now + ": the checkpoint " + settings.checkpoint() + " was written with " + setting
                            + "=" + old + " and cannot go on with another. Set " + setting + "=" + old
                            + " again; or, to begin anew: " + fresh());
        }
    }

    private String prefix() {
        return Settings.CHECKPOINT_DIR.name() + "=" + settings.checkpoint() + ": ";
    }

    private static String fresh() {
        return "set CHECKPOINT_DIR to a new folder (FRESH=1 with make run-local); counting then begins at"
                + " STARTING_OFFSETS, from nothing.";
    }

    /** As a setting has it. */
    private static String text(Duration duration) {
        long millis = duration.toMillis();
        if (millis % 86_400_000 == 0) {
            return millis / 86_400_000 + "d";
        } else if (millis % 3_600_000 == 0) {
            return millis / 3_600_000 + "h";
        } else if (millis % 60_000 == 0) {
            return millis / 60_000 + "m";
        }
        return millis % 1_000 == 0 ? millis / 1_000 + "s" : millis + "ms";
    }

    private CheckpointFileManager files() {
        // as Spark itself will be set up: under spark-submit, file systems are among its settings
        SparkConf conf = new SparkConf();
        LocalFiles.use(conf, settings.checkpoint());
        Configuration hadoop = SparkHadoopUtil.get().newConfiguration(conf);
        if (conf.contains(LocalFiles.MANAGER)) {
            hadoop.set(LocalFiles.MANAGER, conf.get(LocalFiles.MANAGER));
        }
        return CheckpointFileManager.create(folder(), hadoop);
    }

    private Path file() {
        return new Path(folder(), FILE);
    }

    private Path folder() {
        return new Path(settings.checkpoint());
    }
}
