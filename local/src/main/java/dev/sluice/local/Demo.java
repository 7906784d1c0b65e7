package dev.sluice.local;

import dev.sluice.settings.Environment;
import dev.sluice.settings.Setting;
import dev.sluice.settings.SettingsException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * Events as a shop has them, until Ctrl-C: a day in four minutes, a burst in each minute, some that are late, sent twice or
 * broken. So that a new user sees all of it at once.
 */
final class Demo {
    static final Setting<String> TARGET =
            Setting.text("TARGET", "http://localhost:5000", "where `make demo` sends events");
    static final Setting<Integer> RATE =
            Setting.integer("DEMO_RATE", "200", "events a second of `make demo`, on average", 1, 20_000);

    private static final int TICK_MILLIS = 100;
    private static final int TICKS_A_SECOND = 1_000 / TICK_MILLIS;
    private static final int SAY_TICKS = 10 * TICKS_A_SECOND;
    private static final int DAY_TICKS = 240 * TICKS_A_SECOND;
    private static final int MINUTE_TICKS = 60 * TICKS_A_SECOND;
    private static final int BURST_TICKS = 5 * TICKS_A_SECOND;
    private static final int BURST = 4;

    /** The more often, the more common. */
    private static final List<String> TYPES = List.of(
            "page_view",
            "page_view",
            "page_view",
            "page_view",
            "page_view",
            "user_click",
            "user_click",
            "user_click",
            "search",
            "search",
            "add_to_cart",
            "login",
            "purchase");

    private final Random random = new Random();
    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
    private final URI target;
    private final int rate;
    private long sent;
    private long refused;
    private String last = "";

    private Demo(URI target, int rate) {
        this.target = target;
        this.rate = rate;
    }

    public static void main(String[] arguments) throws InterruptedException {
        Environment environment = new Environment(System.getenv());
        String target = environment.get(TARGET);
        int rate = environment.get(RATE);
        try {
            environment.check();
            new Demo(URI.create(target).resolve("/api/events"), rate).run();
        } catch (SettingsException | IllegalArgumentException e) {
            System.err.println("The demo cannot start:" + System.lineSeparator() + e.getMessage());
            System.exit(1);
        } catch (IOException e) {
            System.err.println("Nothing answers at " + target + ": is make run-local running? (" + e + ")");
            System.exit(1);
        }
    }

    private void run() throws IOException, InterruptedException {
        System.out.println("Sending to " + target + ", about " + rate + " events a second, until Ctrl-C.");
        long start = System.nanoTime();
        double owed = 0;
        for (long tick = 0; ; tick++) {
            owed += rate * rhythm(tick) / TICKS_A_SECOND;
            int events = (int) owed;
            owed -= events;
            if (events > 0) {
                send(events);
            }
            if (tick % SAY_TICKS == SAY_TICKS - 1) {
                System.out.printf("%,d events sent, %,d of them refused%n", sent, refused);
            }
            long next = start + TimeUnit.MILLISECONDS.toNanos((tick + 1) * TICK_MILLIS);
            TimeUnit.NANOSECONDS.sleep(next - System.nanoTime());
        }
    }

    /** Around 1: little at night, and a burst in each minute. */
    private static double rhythm(long tick) {
        double ofDay = 1 - 0.7 * Math.cos(2 * Math.PI * (tick % DAY_TICKS) / DAY_TICKS);
        return ofDay * (tick % MINUTE_TICKS >= MINUTE_TICKS - BURST_TICKS ? BURST : 1);
    }

    private void send(int events) throws IOException, InterruptedException {
        StringBuilder batch = new StringBuilder();
        for (int i = 0; i < events; i++) {
            batch.append(event()).append('\n');
        }
        HttpResponse<String> answer = client.send(
                HttpRequest.newBuilder(target)
                        .header("Content-Type", "application/x-ndjson")
                        .POST(BodyPublishers.ofString(batch.toString()))
                        .build(),
                BodyHandlers.ofString());
        sent += events;
        int accepted = accepted(answer.body());
        refused += events - accepted;
    }

    /** Of {@code {"accepted":3,...}}; none of a problem. */
    private static int accepted(String body) {
        int from = body.indexOf("\"accepted\":");
        if (from < 0) {
            return 0;
        }
        int to = from + "\"accepted\":".length();
        int end = to;
        while (end < body.length() && Character.isDigit(body.charAt(end))) {
            end++;
        }
        return Integer.parseInt(body.substring(to, end));
    }

    private String event() {
        int kind = random.nextInt(1_000);
        if (kind < 5) {
            return "{\"params\":{\"forgot\":\"the type\"}}";
        }
        if (kind < 15 && !last.isEmpty()) {
            // as a client does that saw no answer
            return last;
        }
        long time = System.currentTimeMillis() - random.nextInt(2_000);
        if (kind < 35) {
            time -= TimeUnit.HOURS.toMillis(1);
        } else if (kind < 38) {
            time += TimeUnit.DAYS.toMillis(365);
        }
        String type = TYPES.get(random.nextInt(TYPES.size()));
        String event = "{\"event_type\":\"" + type + "\",\"timestamp\":" + time + ",\"event_id\":\""
                + Long.toHexString(random.nextLong()) + "\",\"params\":{\"user_id\":\"u" + random.nextInt(500)
                + "\",\"price\":" + (100 + random.nextInt(9_900)) / 100.0 + "}}";
        last = event;
        return event;
    }
}
