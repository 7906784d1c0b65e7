package dev.sluice.streaming;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.settings.Environment;
import dev.sluice.settings.SettingsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointGuardTest {
    private static final Map<String, String> WRITTEN =
            Map.of("PARTITIONS", "4", "WINDOW", "1m", "TOPIC_ROUTES", "a=carts");

    @TempDir
    Path folder;

    @Test
    void check_newFolder_isFine() {
        assertThatCode(() -> check(Map.of("WINDOW", "7s"))).doesNotThrowAnyException();
    }

    @Test
    void check_noBatchYet_isFine() {
        write(WRITTEN);
        assertThatCode(() -> check(Map.of("WINDOW", "7s"))).doesNotThrowAnyException();
    }

    @Test
    void check_sameSettings_isFine() throws IOException {
        write(WRITTEN);
        addBatch();
        assertThatCode(() -> check(with(Map.of("WINDOW", "60s", "LATENESS", "1h", "SKEW", "1s", "TRIGGER", "5s"))))
                .doesNotThrowAnyException();
    }

    @Test
    void check_changedSettings_areNamedWithOldAndNewAndTheWaysOn() throws IOException {
        write(WRITTEN);
        addBatch();
        assertThatThrownBy(() -> check(Map.of(
                        "PARTITIONS", "2", "WINDOW", "10m", "SLIDE", "5m", "TOPIC_ROUTES", "a=b", "VALUE_OF", "price")))
                .isInstanceOf(SettingsException.class)
                .hasMessageContaining("PARTITIONS=2: the checkpoint " + folder + " was written with PARTITIONS=4")
                .hasMessageContaining("WINDOW=10m: the checkpoint " + folder + " was written with WINDOW=1m")
                .hasMessageContaining("SLIDE=5m: the checkpoint " + folder + " was written with SLIDE=1m")
                .hasMessageContaining("VALUE_OF=price: the checkpoint " + folder + " was written with VALUE_OF=")
                .hasMessageContaining("Set PARTITIONS=4 again; or, to begin anew: set CHECKPOINT_DIR to a new folder")
                .hasMessageContaining("counting then begins at STARTING_OFFSETS")
                .hasMessageContaining("was written with carts, events and cannot go on without carts");
    }

    @Test
    void check_windowChanged_doesNotBlameTheSlideThatNobodySet() throws IOException {
        write(WRITTEN);
        addBatch();
        assertThatThrownBy(() -> check(with(Map.of("WINDOW", "10s"))))
                .hasMessageContaining("WINDOW=10s")
                .hasMessageNotContaining("SLIDE");
    }

    @Test
    void check_topicAdded_isFine_andThenNeeded() throws IOException {
        write(WRITTEN);
        addBatch();
        Map<String, String> more = with(Map.of("TOPIC_ROUTES", "a=carts,b=logins"));
        assertThatCode(() -> check(more)).doesNotThrowAnyException();
        write(more);
        assertThatThrownBy(() -> check(WRITTEN)).hasMessageContaining("cannot go on without logins");
    }

    @Test
    void check_offsetsWithoutTheFile_isRefused() throws IOException {
        addBatch();
        assertThatThrownBy(() -> check(WRITTEN))
                .hasMessageContaining("CHECKPOINT_DIR=" + folder + ": there is no sluice.json")
                .hasMessageContaining("set CHECKPOINT_DIR to a new folder");
    }

    @Test
    void check_otherFormat_isRefused() throws IOException {
        addBatch();
        Files.writeString(folder.resolve(CheckpointGuard.FILE), "{\"format\":3,\"anything\":true}");
        assertThatThrownBy(() -> check(WRITTEN))
                .hasMessageContaining("has the format 3, and this version knows 2: it was written by a later one");
        Files.writeString(folder.resolve(CheckpointGuard.FILE), "{\"format\":1}");
        assertThatThrownBy(() -> check(WRITTEN))
                .hasMessageContaining("has the format 1, and this version knows 2: it was written by an earlier one");
    }

    @Test
    void check_damagedFile_isRefused() throws IOException {
        addBatch();
        Files.writeString(folder.resolve(CheckpointGuard.FILE), "{\"format\":");
        assertThatThrownBy(() -> check(WRITTEN))
                .hasMessageContaining("CHECKPOINT_DIR=" + folder + ": it cannot be read");
    }

    @Test
    void write_folderThatCannotBe_isRefused() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        Environment environment =
                environment(Map.of("CHECKPOINT_DIR", file.resolve("below").toString()));
        new CheckpointGuard(Settings.collect(environment)).write(environment);
        assertThatThrownBy(environment::check).hasMessageContaining("/below: it cannot be written");
    }

    private void check(Map<String, String> variables) {
        Environment environment = environment(variables);
        new CheckpointGuard(Settings.collect(environment)).check(environment);
        environment.check();
    }

    private void write(Map<String, String> variables) {
        Environment environment = environment(variables);
        new CheckpointGuard(Settings.collect(environment)).write(environment);
        environment.check();
    }

    private void addBatch() throws IOException {
        Files.createDirectories(folder.resolve("offsets"));
        Files.writeString(folder.resolve("offsets/0"), "v1");
    }

    private static Map<String, String> with(Map<String, String> more) {
        Map<String, String> all = new HashMap<>(WRITTEN);
        all.putAll(more);
        return all;
    }

    private Environment environment(Map<String, String> variables) {
        Map<String, String> all = new HashMap<>(variables);
        all.putIfAbsent("CHECKPOINT_DIR", folder.toString());
        return new Environment(all);
    }
}
