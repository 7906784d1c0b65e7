package dev.sluice.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** wrk, the load generator of {@code make bench}, from the system's packages. */
final class Wrk {
    /**
     * What wrk saw.
     *
     * @param errors answers that were no 2xx, and connections that failed
     * @param p99Millis latency of 99 of 100 requests at most
     */
    record Result(long requests, double seconds, long errors, double p50Millis, double p99Millis) {
        double perSecond() {
            return requests / seconds;
        }
    }

    private static final Pattern RESULT = Pattern.compile("RESULT (\\d+) (\\d+) (\\d+) (\\d+) (\\d+)");
    private static final String DONE = """
            function done(summary, latency, requests)
              local e = summary.errors
              io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,
                e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
            end
            """;

    /** Not the same for all: those that are answered together would send together for ever. */
    private static final String PAUSE = "function delay() return math.random(0, 2 * %d) end%n";

    private static final double MICROS = 1e6;
    private static final int THREADS = 2;

    private final Path folder;

    /** @param folder where the scripts are written */
    Wrk(Path folder) {
        this.folder = folder;
    }

    /**
     * Posts the same body for so long.
     *
     * @param pauseMillis of each connection between an answer and its next request, on average
     */
    Result post(int port, int connections, int seconds, String contentType, String body, int pauseMillis)
            throws IOException, InterruptedException {
        Path script = Files.writeString(
                Files.createTempFile(folder, "wrk", ".lua"),
                "wrk.method = \"POST\"\nwrk.headers[\"Content-Type\"] = \"" + contentType + "\"\nwrk.body = [==[" + body
                        + "]==]\n"
                        + (pauseMillis > 0 ? String.format(PAUSE, pauseMillis) : "") + DONE);
        Process wrk = new ProcessBuilder(List.of(
                        "wrk",
                        "-t" + THREADS,
                        "-c" + connections,
                        "-d" + seconds + "s",
                        "--timeout",
                        "10s",
                        "-s",
                        script.toString(),
                        "http://localhost:" + port + "/api/events"))
                .redirectErrorStream(true)
                .start();
        String output = new String(wrk.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        Matcher result = RESULT.matcher(output);
        if (wrk.waitFor() != 0 || !result.find()) {
            throw new IOException("wrk failed:\n" + output);
        }
        return new Result(
                Long.parseLong(result.group(1)),
                Long.parseLong(result.group(2)) / MICROS,
                Long.parseLong(result.group(3)),
                Long.parseLong(result.group(4)) / 1e3,
                Long.parseLong(result.group(5)) / 1e3);
    }
}
