package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterTry;
import net.jqwik.api.lifecycle.BeforeTry;
import org.apache.activemq.store.kahadb.disk.journal.Journal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** The spool on a real disk: order, crashes, damage. */
class SpoolTest {
    private static final int MOST = Spool.LEAST_BYTES;

    private Path folder;

    @BeforeEach
    @BeforeTry
    void create() throws IOException {
        // each try damages something, and would be told so
        for (Class<?> noisy : List.of(Spool.class, Journal.class)) {
            ((Logger) LoggerFactory.getLogger(noisy)).setLevel(Level.OFF);
        }
        folder = Files.createTempDirectory("spool");
    }

    @AfterEach
    @AfterTry
    void delete() throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    @Provide
    Arbitrary<List<Integer>> groups() {
        return Arbitraries.integers().between(1, 30).list().ofMinSize(1).ofMaxSize(12);
    }

    /** In order, each once, whenever the process ends and however much was delivered by then. */
    @Property(tries = 200)
    void restarts_loseAndRepeatNothing(
            @ForAll("groups") List<Integer> sizes, @ForAll @IntRange(min = 0, max = 40) int each) throws IOException {
        List<String> read = new ArrayList<>();
        int written = 0;
        for (int size : sizes) {
            try (Spool spool = open()) {
                assertThat(spool.size()).isEqualTo(written - read.size());
                spool.append(arrivals(written, size));
                written += size;
                read.addAll(deliver(spool, each));
            }
        }
        try (Spool spool = open()) {
            read.addAll(deliver(spool, Integer.MAX_VALUE));
            assertThat(spool.size()).isZero();
            assertThat(spool.missing()).isZero();
        }
        assertThat(read).isEqualTo(values(0, written));
    }

    /** A crash in the middle of a write: what was synced before is there, and what comes after is kept. */
    @Property(tries = 200)
    void tornTail_isCut(@ForAll("groups") List<Integer> sizes, @ForAll @IntRange(min = 1, max = 10_000) int torn)
            throws IOException {
        int whole = sizes.stream().mapToInt(Integer::intValue).sum();
        long good;
        try (Spool spool = open()) {
            int written = 0;
            for (int size : sizes) {
                spool.append(arrivals(written, size));
                written += size;
            }
            good = spool.bytes();
            spool.append(arrivals(whole, 20));
        }
        try (RandomAccessFile file = new RandomAccessFile(segment(1).toFile(), "rw")) {
            file.setLength(good + torn % (file.length() - good - 5));
        }
        try (Spool spool = open()) {
            assertThat(spool.size()).isEqualTo(whole);
            spool.append(arrivals(whole, 3));
        }
        try (Spool spool = open()) {
            assertThat(deliver(spool, Integer.MAX_VALUE)).isEqualTo(values(0, whole + 3));
            assertThat(spool.missing()).isZero();
        }
        assertThat(folder.resolve("corrupt")).doesNotExist();
    }

    /** Damage costs the group that it hit, and is said to the event. */
    @Property(tries = 200)
    void damage_isSetAsideAndCounted(
            @ForAll @IntRange(min = 1, max = 10) int before,
            @ForAll @IntRange(min = 1, max = 10) int hit,
            @ForAll @IntRange(min = 1, max = 10) int after,
            @ForAll @IntRange(min = 0, max = 100_000) int where,
            @ForAll @IntRange(min = 1, max = 255) int flip)
            throws IOException {
        long start;
        long end;
        try (Spool spool = open()) {
            spool.append(arrivals(0, before));
            start = spool.bytes();
            spool.append(arrivals(before, hit));
            end = spool.bytes();
            spool.append(arrivals(before + hit, after));
        }
        try (RandomAccessFile file = new RandomAccessFile(segment(1).toFile(), "rw")) {
            file.seek(start + where % (end - start));
            int old = file.read();
            file.seek(file.getFilePointer() - 1);
            file.write(old ^ flip);
        }
        List<String> expected = new ArrayList<>(values(0, before));
        expected.addAll(values(before + hit, after));
        try (Spool spool = open()) {
            assertThat(deliver(spool, Integer.MAX_VALUE)).isEqualTo(expected);
            assertThat(spool.missing()).isEqualTo(hit);
            assertThat(spool.size()).isZero();
            spool.append(arrivals(1_000, 2));
            assertThat(deliver(spool, Integer.MAX_VALUE)).isEqualTo(values(1_000, 2));
        }
        try (Stream<Path> copies = Files.list(folder.resolve("corrupt"))) {
            assertThat(copies).hasSize(1);
        }
    }

    @Test
    void lostPosition_sendsAgain_andLosesNothing() throws IOException {
        try (Spool spool = open()) {
            spool.append(arrivals(0, 10));
            deliver(spool, 4);
        }
        Files.write(folder.resolve("position"), new byte[] {1, 2, 3});
        try (Spool spool = open()) {
            assertThat(spool.size()).isEqualTo(10);
            assertThat(deliver(spool, Integer.MAX_VALUE)).isEqualTo(values(0, 10));
            assertThat(spool.missing()).isZero();
        }
    }

    @Test
    void keysAndTimes_comeBack() throws IOException {
        byte[] value = "{\"event_type\":\"ä\"}".getBytes(UTF_8);
        try (Spool spool = open()) {
            spool.append(List.of(
                    new SpoolRecord.Arrival(new Event(value, "type", "Schlüssel"), 123, TraceContext.NONE),
                    new SpoolRecord.Arrival(new Event(value, "type", ""), 124, TraceContext.NONE),
                    new SpoolRecord.Arrival(new Event(value, "type", null), 125, TraceContext.NONE)));
        }
        try (Spool spool = open()) {
            SpoolRecord.Entry first = spool.read();
            assertThat(first.arrival().receivedMillis()).isEqualTo(123);
            assertThat(first.arrival().event().type()).isEqualTo("type");
            assertThat(first.arrival().event().key()).isEqualTo("Schlüssel");
            assertThat(first.arrival().event().value()).isEqualTo(value);
            assertThat(spool.read().arrival().event().key()).isEmpty();
            assertThat(spool.read().arrival().event().key()).isNull();
            assertThat(spool.read()).isNull();
        }
    }

    /** Of a group without any, an earlier release can read what is written. */
    @Test
    void traces_comeBack_andCostNothingWhereThereAreNone() throws IOException {
        byte[] value = "{}".getBytes(UTF_8);
        TraceContext trace = new TraceContext("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "a=1,b=2");
        List<SpoolRecord.Arrival> without = List.of(
                new SpoolRecord.Arrival(new Event(value, "type", "key"), 123, TraceContext.NONE),
                new SpoolRecord.Arrival(new Event(value, "type", null), 124, TraceContext.NONE));
        assertThat(HexFormat.of().formatHex(SpoolRecord.encode(7, without)))
                .isEqualTo("01" + "0000000000000007" + "00000002"
                        + "000000000000007b" + "0004" + "74797065" + "00000003" + "6b6579" + "00000002" + "7b7d"
                        + "000000000000007c" + "0004" + "74797065" + "ffffffff" + "00000002" + "7b7d");
        try (Spool spool = open()) {
            spool.append(without);
            spool.append(List.of(
                    new SpoolRecord.Arrival(new Event(value, "type", "key"), 125, trace),
                    new SpoolRecord.Arrival(new Event(value, "type", "key"), 126, TraceContext.NONE)));
        }
        try (Spool spool = open()) {
            assertThat(spool.read().arrival().trace().isNone()).isTrue();
            assertThat(spool.read().arrival().trace().isNone()).isTrue();
            SpoolRecord.Arrival traced = spool.read().arrival();
            assertThat(traced.trace().parent()).isEqualTo(trace.parent());
            assertThat(traced.trace().state()).isEqualTo("a=1,b=2");
            assertThat(traced.receivedMillis()).isEqualTo(125);
            assertThat(traced.event().key()).isEqualTo("key");
            assertThat(spool.read().arrival().trace().isNone()).isTrue();
        }
    }

    @Test
    void fullSpool_saysSo_andGivesBackWhatIsDelivered() throws IOException {
        try (Spool spool = open()) {
            int written = 0;
            String large = "x".repeat(250_000);
            while (spool.state() == Spool.State.OPEN) {
                spool.append(List.of(new SpoolRecord.Arrival(
                        new Event((written + large).getBytes(UTF_8), "a", null), 1, TraceContext.NONE)));
                written++;
            }
            assertThat(spool.state()).isEqualTo(Spool.State.FULL);
            assertThat(onDisk()).isBetween((long) MOST / 2, (long) MOST);
            assertThat(deliver(spool, Integer.MAX_VALUE)).hasSize(written);
            assertThat(spool.state()).isEqualTo(Spool.State.OPEN);
            assertThat(onDisk()).isLessThan(MOST / 2);
        }
    }

    @Test
    void secondGateway_isRefused() throws IOException {
        try (Spool spool = open()) {
            assertThat(spool.size()).isZero();
            assertThatThrownBy(this::open).hasMessageContaining("another gateway uses it");
        }
        open().close();
    }

    private Spool open() throws IOException {
        return new Spool(folder, MOST);
    }

    private long onDisk() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.mapToLong(file -> file.toFile().length()).sum();
        }
    }

    private Path segment(int number) {
        return folder.resolve("db-" + number + ".log");
    }

    private static List<String> deliver(Spool spool, int most) throws IOException {
        List<String> values = new ArrayList<>();
        SpoolRecord.Entry last = null;
        while (values.size() < most) {
            SpoolRecord.Entry entry = spool.read();
            if (entry == null) {
                break;
            }
            values.add(new String(entry.arrival().event().value(), UTF_8));
            last = entry;
        }
        if (last != null) {
            spool.delivered(last);
        }
        return values;
    }

    private static List<String> values(int from, int count) {
        return IntStream.range(from, from + count).mapToObj(i -> "event " + i).toList();
    }

    private static List<SpoolRecord.Arrival> arrivals(int from, int count) {
        return values(from, count).stream()
                .map(value ->
                        new SpoolRecord.Arrival(new Event(value.getBytes(UTF_8), "a", null), 1, TraceContext.NONE))
                .toList();
    }
}
