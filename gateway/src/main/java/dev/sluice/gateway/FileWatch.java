package dev.sluice.gateway;

import dev.sluice.settings.SettingsException;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Files that settings name and that are read again when they change: what they are then takes effect as a whole, or not at all. */
final class FileWatch {
    private static final Logger LOG = LoggerFactory.getLogger(FileWatch.class);
    private static final long LOOK_MILLIS = 1_000;

    /** A file, and the setting that names it. */
    record Named(String setting, Path path) {}

    /** Makes use of the files' bytes, in the order of the files. */
    interface Use {
        /**
         * Takes them into use.
         *
         * @throws IllegalArgumentException that says what is wrong with them; they take no effect then
         */
        void of(List<byte[]> contents);
    }

    private final List<Named> files;
    private final Use use;
    private List<byte[]> read = List.of();
    private boolean broken;

    FileWatch(List<Named> files, Use use) {
        this.files = files;
        this.use = use;
    }

    /**
     * Reads them for the first time. Blocks.
     *
     * @throws SettingsException where they are not what they should be
     */
    void load() {
        try {
            read = contents();
            use.of(read);
        } catch (IOException | IllegalArgumentException e) {
            throw new SettingsException(List.of(problem(e)));
        }
    }

    /** Looks at them now and then, on a worker. */
    void watch(Vertx vertx) {
        vertx.setPeriodic(
                LOOK_MILLIS,
                timer -> vertx.executeBlocking(() -> {
                    reload();
                    return null;
                }));
    }

    private synchronized void reload() {
        try {
            List<byte[]> now = contents();
            if (IntStream.range(0, now.size()).anyMatch(i -> !Arrays.equals(now.get(i), read.get(i)))) {
                use.of(now);
                read = now;
                LOG.info("{}: read again, for it changed", names());
            }
            broken = false;
        } catch (IOException | IllegalArgumentException e) {
            if (!broken) {
                LOG.error("What was read before stays: {}", problem(e));
            }
            broken = true;
        }
    }

    private List<byte[]> contents() throws IOException {
        List<byte[]> contents = new ArrayList<>();
        for (Named file : files) {
            contents.add(Files.readAllBytes(file.path));
        }
        return contents;
    }

    private String problem(Exception cause) {
        return names() + ": " + (cause instanceof IOException ? "cannot be read: " + cause : cause.getMessage());
    }

    private String names() {
        return files.stream().map(file -> file.setting + "=" + file.path).collect(Collectors.joining(", "));
    }
}
