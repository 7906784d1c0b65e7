package dev.sluice.gateway;

import dev.sluice.settings.SettingsException;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What settings name and what is read again when it changes: what it is then takes effect as a whole, or not at all. */
final class Watch {
    private static final Logger LOG = LoggerFactory.getLogger(Watch.class);
    private static final Duration LOOK = Duration.ofSeconds(1);

    /** A place, and the setting that names it. */
    record Source(String setting, String place, Reading reading) {
        static Source file(String setting, Path file) {
            return new Source(setting, file.toString(), () -> Files.readAllBytes(file));
        }
    }

    /** Has the bytes of a place. Blocks. */
    interface Reading {
        byte[] bytes() throws IOException;
    }

    /** Makes use of the bytes, in the order of the sources. */
    interface Use {
        /**
         * Takes them into use.
         *
         * @throws IllegalArgumentException that says what is wrong with them; they take no effect then
         */
        void of(List<byte[]> contents);
    }

    private final List<Source> sources;
    private final Duration every;
    private final Use use;
    private List<byte[]> read = List.of();
    private boolean broken;

    /** Of files. */
    Watch(List<Source> sources, Use use) {
        this(sources, LOOK, use);
    }

    /** @param every how often they are looked at */
    Watch(List<Source> sources, Duration every, Use use) {
        this.every = every;
        this.sources = sources;
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
                every.toMillis(),
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
        for (Source source : sources) {
            contents.add(source.reading.bytes());
        }
        return contents;
    }

    private String problem(Exception cause) {
        return names() + ": " + (cause instanceof IOException ? "cannot be read: " + cause : cause.getMessage());
    }

    private String names() {
        return sources.stream()
                .map(source -> source.setting + "=" + source.place)
                .collect(Collectors.joining(", "));
    }
}
