package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.CountRecord;
import dev.sluice.events.RealTopics;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The stream of counts, read over real connections. */
@ExtendWith(EventLoopWatch.class)
class CountsStreamTest {
    private static final Instant START = Instant.parse("2026-11-24T06:50:00Z");
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int READERS = 100;
    private static final int TYPES = 2_000;

    @TempDir
    static Path folder;

    private static Fixture gateway;
    private static KafkaProducer<String, String> producer;

    @BeforeAll
    static void start() throws Exception {
        gateway = new Fixture(folder, Map.of());
        RealTopics.create(gateway.broker, 1, "event-counts");
        producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", gateway.broker.bootstrapServers()),
                new StringSerializer(),
                new StringSerializer());
        send("first", 1);
        await().atMost(PATIENCE)
                .until(() -> gateway.client
                                .get(gateway.settings.managementPort(), "localhost", "/api/counts")
                                .send()
                                .toCompletionStage()
                                .toCompletableFuture()
                                .get()
                                .statusCode()
                        == 200);
    }

    @AfterAll
    static void stop() throws Exception {
        producer.close();
        gateway.close();
    }

    @Test
    void open_getsAllThenChanges_andGoesOnWhereItWas() throws Exception {
        send("seen", 1);
        Reader first = new Reader("", true);
        await().atMost(PATIENCE).until(() -> first.has("\"event_type\":\"seen\",\"outcome\":\"counted\",\"count\":1,"));
        assertThat(first.lines.get(0)).isEqualTo("event: reset");
        send("seen", 2);
        await().atMost(PATIENCE).until(() -> first.has("\"event_type\":\"seen\",\"outcome\":\"counted\",\"count\":2,"));
        await().atMost(PATIENCE)
                .until(() -> first.lines.get(first.lines.size() - 1).isEmpty());
        String last = first.lines.stream()
                .filter(line -> line.startsWith("id: "))
                .reduce((one, other) -> other)
                .orElseThrow()
                .substring(4);
        first.close();

        send("missed", 1);
        await().atMost(PATIENCE).until(() -> !last.equals(newest()));
        Reader again = new Reader(last, true);
        await().atMost(PATIENCE).until(() -> again.has("\"event_type\":\"missed\""));
        assertThat(again.lines).doesNotContain("event: reset").noneMatch(line -> line.contains("\"seen\""));
        again.close();

        Reader stranger = new Reader("of-another-process-7", true);
        await().atMost(PATIENCE).until(() -> stranger.has("\"event_type\":\"missed\""));
        assertThat(stranger.lines.get(0)).isEqualTo("event: reset");
        stranger.close();
    }

    @Test
    void open_windowThatIsClosed_becomesFinal() throws Exception {
        send("closing", 1);
        Reader reader = new Reader("", true);
        await().atMost(PATIENCE)
                .until(() -> reader.has("\"closing\",\"outcome\":\"counted\",\"count\":1,\"final\":false"));
        producer.send(new ProducerRecord<>(
                        "event-counts", CountRecord.WATERMARK, "{\"watermark\":\"2026-11-24T06:51:00Z\"}"))
                .get();
        await().atMost(PATIENCE)
                .until(() -> reader.has("\"closing\",\"outcome\":\"counted\",\"count\":1,\"final\":true"));
        reader.close();
    }

    /** One that reads nothing is cut off; the others get what they should. */
    @Test
    void open_slowReader_isCutOff() throws Exception {
        List<Reader> readers = new ArrayList<>();
        for (int i = 0; i < READERS; i++) {
            readers.add(new Reader("", false));
        }
        try (Socket slow = new Socket()) {
            slow.setReceiveBufferSize(4_096);
            slow.connect(new java.net.InetSocketAddress("localhost", gateway.settings.managementPort()));
            slow.getOutputStream()
                    .write("GET /api/counts/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            await().atMost(PATIENCE).until(() -> gateway.metric("sluice_counts_readers") == READERS + 1);
            int count = 0;
            while (gateway.metric("sluice_counts_readers") > READERS) {
                count++;
                for (int type = 0; type < TYPES; type++) {
                    producer.send(record("type_" + type, count));
                }
                producer.flush();
            }
            send("at-last", 1);
            for (Reader reader : readers) {
                await().atMost(PATIENCE).until(() -> reader.has("\"at-last\""));
            }
            // what was on the way comes, then the end
            InputStream in = slow.getInputStream();
            slow.setSoTimeout(20_000);
            byte[] some = new byte[65_536];
            assertThat(Stream.generate(() -> read(in, some)).anyMatch(read -> read < 0))
                    .isTrue();
        }
        readers.forEach(Reader::close);
        await().atMost(PATIENCE).until(() -> gateway.metric("sluice_counts_readers") == 0);
    }

    private static int read(InputStream in, byte[] some) {
        try {
            return in.read(some);
        } catch (java.net.SocketTimeoutException e) {
            throw new IllegalStateException(e);
        } catch (java.io.IOException reset) {
            return -1;
        }
    }

    private static String newest() throws Exception {
        Reader reader = new Reader("", true);
        await().atMost(PATIENCE).until(() -> reader.lines.stream().anyMatch(line -> line.startsWith("id: ")));
        reader.close();
        return reader.lines.stream()
                .filter(line -> line.startsWith("id: "))
                .findFirst()
                .orElseThrow()
                .substring(4);
    }

    private static void send(String type, long count) throws Exception {
        producer.send(record(type, count)).get();
    }

    private static ProducerRecord<String, String> record(String type, long count) {
        String end = START.plusSeconds(60).toString();
        return new ProducerRecord<>(
                "event-counts",
                CountRecord.key(START.toString(), end, "counted", type),
                "{\"window_start\":\"" + START + "\",\"window_end\":\"" + end + "\",\"event_type\":\"" + type
                        + "\",\"outcome\":\"counted\",\"count\":" + count + ",\"batch\":1}");
    }

    /** Reads lines as they come; a hundred of them need no more than two threads, which leave some time to event loops. */
    private static final class Reader implements Flow.Subscriber<String> {
        private static final HttpClient HTTP = HttpClient.newBuilder()
                .executor(Executors.newFixedThreadPool(2, task -> {
                    Thread thread = new Thread(task, "readers");
                    thread.setDaemon(true);
                    return thread;
                }))
                .build();

        final List<String> lines = new CopyOnWriteArrayList<>();
        private final boolean keeps;
        private volatile Flow.Subscription subscription;
        private volatile boolean atLast;

        /** @param keeps whether it holds what it read: of many readers with much to read, none does */
        Reader(String lastEventId, boolean keeps) throws Exception {
            this.keeps = keeps;
            HttpRequest.Builder request = HttpRequest.newBuilder(
                    URI.create("http://localhost:" + gateway.settings.managementPort() + "/api/counts/stream"));
            if (!lastEventId.isEmpty()) {
                request.header("Last-Event-ID", lastEventId);
            }
            CompletableFuture<String> type = new CompletableFuture<>();
            var unused = HTTP.sendAsync(request.build(), head -> {
                type.complete(head.headers().firstValue("Content-Type").orElse(""));
                return HttpResponse.BodySubscribers.fromLineSubscriber(
                        this, done -> null, StandardCharsets.UTF_8, null);
            });
            assertThat(type.get(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isEqualTo("text/event-stream");
        }

        @Override
        public void onSubscribe(Flow.Subscription begun) {
            subscription = begun;
            begun.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(String line) {
            if (keeps) {
                lines.add(line);
            }
            atLast |= line.contains("\"at-last\"");
        }

        @Override
        public void onError(Throwable closed) {
            // as this test did
        }

        @Override
        public void onComplete() {
            // likewise
        }

        boolean has(String text) {
            return text.equals("\"at-last\"") ? atLast : lines.stream().anyMatch(line -> line.contains(text));
        }

        void close() {
            await().atMost(PATIENCE).until(() -> subscription != null);
            subscription.cancel();
        }
    }
}
