package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sluice.settings.Environment;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/** What an event costs on its way through the gateway, beside HTTP and Kafka: events a second, and bytes for each. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 2, jvmArgs = {"-Xmx128m", "-XX:+UseSerialGC"})
public class IntakeBenchmark {
    private static final int BATCH = 100;
    private static final String EVENT =
            "{\"event_type\":\"user_click\",\"timestamp\":1764000000000,\"params\":{\"page\":\"/products/17\",\"key\":\"0123456789abcdef\"}}";

    private final Bounds bounds = Settings.read(new Environment(Map.of())).bounds();
    private final EventValidator validator = new EventValidator(bounds, KeyPolicy.NONE);
    private final byte[] event = EVENT.getBytes(UTF_8);
    /** A pair of escaped surrogates is for the parser to look at. */
    private final byte[] unusual = EVENT.replace("0123", "\\ud83d\\ude00").getBytes(UTF_8);

    private final byte[] refused = EVENT.replace("\"user_click\"", "7").getBytes(UTF_8);
    private final byte[] lines = (EVENT + "\n").repeat(BATCH).getBytes(UTF_8);
    private final byte[] array = ("[" + (EVENT + ",").repeat(BATCH - 1) + EVENT + "]").getBytes(UTF_8);

    /** All event loops share one. */
    @State(Scope.Benchmark)
    public static class Shared {
        private final Budget budget = new Budget(24L << 20, 4L << 20);
    }

    private final Budget.Share share = new Budget.Share();
    private final SlowBodies slow = new SlowBodies();

    @Benchmark
    public Object validate_usual() {
        return validator.check(event);
    }

    @Benchmark
    public Object validate_unusual() {
        return validator.check(unusual);
    }

    @Benchmark
    public Object validate_refused() {
        return validator.check(refused);
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void split_lines(Blackhole hole) throws RefusedException {
        consume(Items.ofLines(lines, bounds.batchEvents()), hole);
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void split_array(Blackhole hole) throws RefusedException {
        consume(Items.ofArray(array, bounds.batchEvents()), hole);
    }

    @Benchmark
    @Threads(2)
    public long admit_andRelease(Shared shared) {
        Budget.Permit permit = shared.budget.open(share, slow);
        permit.claim(event.length);
        permit.grow(event.length);
        long held = permit.held();
        permit.release();
        return held;
    }

    private static void consume(Items items, Blackhole hole) {
        for (int i = 0; i < items.size(); i++) {
            hole.consume(items.bytes(i));
        }
    }
}
