package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.Programs;
import dev.sluice.events.Readme;
import io.vertx.junit5.VertxExtension;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The README's table of ways to send, command by command. */
@ExtendWith({VertxExtension.class, EventLoopWatch.class})
class WaysToSendTest {
    private static final Pattern ROW = Pattern.compile("\\| (.*?) \\| `(.*)` \\|");

    @TempDir
    static Path folder;

    private static Fixture gateway;

    record Way(String name, String command) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Way> ways() {
        return Readme.section("Ways to send")
                .filter(line -> line.contains("curl -"))
                .filter(line -> line.startsWith("|"))
                .map(line -> {
                    Matcher row = ROW.matcher(line);
                    assertThat(row.matches()).as(line).isTrue();
                    return new Way(row.group(1), row.group(2).replace("\\|", "|"));
                });
    }

    @BeforeAll
    static void start() throws Exception {
        gateway = new Fixture(folder, Map.of());
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    @ParameterizedTest
    @MethodSource("ways")
    void command_asPrinted_storesItsEvents(Way way) throws Exception {
        Programs.require("curl");
        Map<TopicPartition, Long> before = gateway.ends();
        String command = way.command
                .replace("localhost:5000", "localhost:" + gateway.settings.httpPort())
                .replace("curl ", "curl -sSf ");
        Process shell = new ProcessBuilder("sh", "-c", command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        String output = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(shell.waitFor()).as(output).isZero();
        int stored = gateway.recordsSince(before).size();
        assertThat(stored).isPositive();
        if (!command.contains(".gif")) {
            assertThat(output).startsWith("{\"accepted\":" + stored);
        }
    }
}
