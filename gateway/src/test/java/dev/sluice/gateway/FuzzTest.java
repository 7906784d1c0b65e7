package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.get;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.github.luben.zstd.Zstd;
import dev.sluice.events.Mutations;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.client.HttpRequest;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.junit5.VertxExtension;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URLEncoder;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Mutated samples in every way to send them: no 5xx, and each event that an answer says was taken is on the topic
 * exactly once, byte for byte. {@link EventLoopWatch} sees blocked event loops and leaked buffers.
 */
@ExtendWith({VertxExtension.class, EventLoopWatch.class})
class FuzzTest {
    private static final int REQUESTS = 100_000;
    private static final int ROUNDS = 4;
    private static final int IN_FLIGHT = 64;
    private static final long SEED = Long.getLong("fuzz.seed", System.nanoTime());
    private static final long MOST_GROWTH = 16L << 20;

    @TempDir
    static Path folder;

    private static Fixture gateway;
    private final CloudEventReader cloudEvents = new CloudEventReader();

    /** A multiset of values by the sum of their digests: the same for the same values, whatever their order. */
    private static final class Values {
        private long count;
        private long sum;

        synchronized void add(byte[] value) {
            try {
                byte[] digest = MessageDigest.getInstance("SHA-256").digest(value);
                count++;
                sum += java.nio.ByteBuffer.wrap(digest).getLong();
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public synchronized String toString() {
            return count + " values, digest " + Long.toHexString(sum);
        }
    }

    /** One request, and what each of its items is on the topic if it is taken. */
    private record Shot(HttpRequest<Buffer> request, Buffer body, List<byte[]> values) {}

    @BeforeAll
    static void start() throws Exception {
        gateway = new Fixture(folder, Map.of());
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    @Test
    void mutations_overAllEncodings() throws Exception {
        System.out.println("Fuzz seed: " + SEED + " (-Dfuzz.seed=… repeats it)");
        Map<TopicPartition, Long> before = gateway.ends();
        Random random = new Random(SEED);
        Values taken = new Values();
        fire(random, REQUESTS / ROUNDS, taken);
        long settled = usedAfterGc();
        for (int round = 1; round < ROUNDS; round++) {
            fire(random, REQUESTS / ROUNDS, taken);
        }
        assertThat(usedAfterGc() - settled).isLessThan(MOST_GROWTH);
        Values stored = new Values();
        gateway.recordsSince(before).forEach(record -> stored.add(record.value()));
        assertThat(stored.toString()).as("seed " + SEED).isEqualTo(taken.toString());
        assertThat(stored.count).isGreaterThan(REQUESTS / 5);
    }

    private void fire(Random random, int requests, Values taken) throws Exception {
        AtomicInteger left = new AtomicInteger(requests);
        List<Future<Void>> lanes = new ArrayList<>();
        for (int i = 0; i < IN_FLIGHT; i++) {
            Promise<Void> done = Promise.promise();
            next(random, left, taken, done);
            lanes.add(done.future());
        }
        Future.all(lanes).toCompletionStage().toCompletableFuture().get(10, TimeUnit.MINUTES);
    }

    private void next(Random random, AtomicInteger left, Values taken, Promise<Void> done) {
        if (left.getAndDecrement() <= 0) {
            done.complete();
            return;
        }
        Shot shot;
        synchronized (random) {
            shot = shot(random);
        }
        shot.request.sendBuffer(shot.body).onComplete(outcome -> {
            try {
                check(outcome.result(), shot.values, taken);
                next(random, left, taken, done);
            } catch (Throwable e) {
                done.tryFail(new AssertionError(
                        "seed " + SEED + ": " + shot.body.toString("ISO-8859-1"),
                        outcome.failed() ? outcome.cause() : e));
            }
        });
    }

    private static void check(HttpResponse<Buffer> response, List<byte[]> values, Values taken) throws IOException {
        assertThat(response.statusCode()).isLessThan(500);
        if (response.statusCode() == 200) {
            taken.add(values.get(0));
        } else if (response.statusCode() < 300) {
            JsonNode answer = Fixture.json(response);
            Set<Integer> rejected = new HashSet<>();
            answer.path("rejected")
                    .forEach(item -> rejected.add(item.get("index").asInt()));
            assertThat(answer.get("accepted").asInt() + rejected.size()).isEqualTo(values.size());
            for (int i = 0; i < values.size(); i++) {
                if (!rejected.contains(i)) {
                    taken.add(values.get(i));
                }
            }
        }
    }

    private Shot shot(Random random) {
        return switch (random.nextInt(7)) {
            case 0 -> json(random);
            case 1 -> array(random);
            case 2 -> lines(random);
            case 3 -> structured(random);
            case 4 -> batched(random);
            case 5 -> binary(random);
            default -> image(random);
        };
    }

    private Shot json(Random random) {
        byte[] body = Mutations.next(random);
        if (Items.isArray(body)) {
            return post(random, "application/json", body, items(() -> Items.ofArray(body, 10_000)));
        }
        return post(random, "application/json", body, List.of(body));
    }

    private Shot array(Random random) {
        byte[] body = joined(random, "[", ",", "]", () -> Mutations.next(random));
        return post(random, "application/json", body, items(() -> Items.ofArray(body, 10_000)));
    }

    private Shot lines(Random random) {
        byte[] body = joined(random, "", "\n", "", () -> Mutations.next(random));
        return post(random, "application/x-ndjson", body, items(() -> Items.ofLines(body, 10_000)));
    }

    private Shot structured(Random random) {
        byte[] body = cloudEvent(random);
        return post(random, "application/cloudevents+json", body, List.of(record(body)));
    }

    private Shot batched(Random random) {
        byte[] body = joined(random, "[", ",", "]", () -> cloudEvent(random));
        List<byte[]> records = items(() -> Items.ofArray(body, 10_000)).stream()
                .map(this::record)
                .toList();
        return post(random, "application/cloudevents-batch+json", body, records);
    }

    private Shot binary(Random random) {
        byte[] body = Mutations.next(random);
        MultiMap headers = MultiMap.caseInsensitiveMultiMap()
                .add("ce-specversion", "1.0")
                .add("ce-id", "i" + random.nextInt(9))
                .add("ce-source", "/s")
                .add("ce-type", random.nextInt(20) == 0 ? "no type" : "t")
                .add("Content-Type", random.nextBoolean() ? "application/json" : "text/plain");
        byte[] record;
        try {
            record = cloudEvents.binary(headers, body).toEvent();
        } catch (RefusedException e) {
            record = new byte[0];
        }
        HttpRequest<Buffer> request = gateway.events();
        headers.forEach((name, value) -> request.putHeader(name, value));
        return new Shot(request, Buffer.buffer(body), List.of(record));
    }

    private static Shot image(Random random) {
        MultiMap query = MultiMap.caseInsensitiveMultiMap();
        query.add("event_type", random.nextInt(10) == 0 ? text(random) : "image");
        query.add("p" + random.nextInt(3), text(random));
        StringBuilder address = new StringBuilder(IngestVerticle.IMAGE_PATH);
        query.forEach((name, value) -> address.append(address.indexOf("?") < 0 ? '?' : '&')
                .append(name)
                .append('=')
                .append(URLEncoder.encode(value, UTF_8)));
        byte[] event;
        try {
            event = Pixel.toEvent(query);
        } catch (RefusedException e) {
            event = new byte[0];
        }
        return new Shot(
                gateway.client.get(gateway.settings.httpPort(), "localhost", address.toString()),
                Buffer.buffer(),
                List.of(event));
    }

    private static String text(Random random) {
        return random.ints(random.nextInt(6), 1, 0x2fff)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    private static byte[] cloudEvent(Random random) {
        byte[] data = Mutations.next(random);
        String start = "{\"specversion\":\"1.0\",\"id\":\"" + random.nextInt(9)
                + "\",\"source\":\"/s\",\"type\":\"t\"" + (random.nextInt(10) == 0 ? ",\"params\":\"x\"" : "")
                + ",\"data\":";
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(start.getBytes(UTF_8));
        out.writeBytes(data);
        out.write('}');
        return out.toByteArray();
    }

    private byte[] record(byte[] structured) {
        try {
            return cloudEvents.structured(structured).toEvent();
        } catch (RefusedException e) {
            return new byte[0];
        }
    }

    private interface Split {
        Items items() throws RefusedException;
    }

    private static List<byte[]> items(Split split) {
        try {
            Items items = split.items();
            List<byte[]> values = new ArrayList<>();
            for (int i = 0; i < items.size(); i++) {
                values.add(items.bytes(i));
            }
            return values;
        } catch (RefusedException e) {
            return List.of();
        }
    }

    private static byte[] joined(
            Random random, String open, String between, String close, java.util.function.Supplier<byte[]> item) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(open.getBytes(UTF_8));
        int count = 1 + random.nextInt(4);
        for (int i = 0; i < count; i++) {
            out.writeBytes(i == 0 ? new byte[0] : between.getBytes(UTF_8));
            out.writeBytes(item.get());
        }
        out.writeBytes(close.getBytes(UTF_8));
        return out.toByteArray();
    }

    private static Shot post(Random random, String type, byte[] body, List<byte[]> values) {
        HttpRequest<Buffer> request = gateway.events().putHeader("Content-Type", type);
        byte[] sent = body;
        switch (random.nextInt(6)) {
            case 0 -> sent = deflated(request, "gzip", body);
            case 1 -> sent = deflated(request, "deflate", body);
            case 2 -> {
                request.putHeader("Content-Encoding", "zstd");
                sent = Zstd.compress(body);
            }
            default -> {
                // as it is
            }
        }
        return new Shot(request, Buffer.buffer(sent), values);
    }

    private static byte[] deflated(HttpRequest<Buffer> request, String encoding, byte[] body) {
        request.putHeader("Content-Encoding", encoding);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream deflate =
                encoding.equals("gzip") ? new GZIPOutputStream(out) : new DeflaterOutputStream(out)) {
            deflate.write(body);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return out.toByteArray();
    }

    private static long usedAfterGc() throws Exception {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 3; i++) {
            System.gc();
            // some turns of the event loops, so that what they let go of is gone
            get(gateway.client
                    .get(gateway.settings.managementPort(), "localhost", "/health/live")
                    .send());
            least = Math.min(
                    least,
                    Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory());
        }
        return least;
    }
}
