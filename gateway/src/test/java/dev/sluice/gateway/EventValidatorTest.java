package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.Golden;
import dev.sluice.events.Mutations;
import dev.sluice.events.Reference;
import dev.sluice.events.Rejection;
import dev.sluice.settings.Environment;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class EventValidatorTest {
    private final EventValidator validator = new EventValidator(bounds(), KeyPolicy.NONE);

    static Bounds bounds() {
        return Settings.read(new Environment(Map.of())).bounds();
    }

    static List<Golden.Valid> valid() {
        return Golden.valid();
    }

    static List<Golden.Invalid> invalid() {
        return Golden.invalid();
    }

    @ParameterizedTest
    @MethodSource("valid")
    void check_goldenEvent_isTaken(Golden.Valid sample) {
        Event event = (Event) validator.check(sample.bytes());
        assertThat(event.value()).isSameAs(sample.bytes());
        assertThat(event.type()).isEqualTo(sample.eventType());
        assertThat(event.key()).isNull();
    }

    @ParameterizedTest
    @MethodSource("invalid")
    void check_goldenFault_hasItsOwnCodeAndField(Golden.Invalid sample) {
        Refusal refusal = refusal(sample.bytes());
        assertThat(refusal.rejection()).isEqualTo(sample.rejection());
        assertThat(Optional.ofNullable(refusal.field())).isEqualTo(sample.field());
        assertThat(refusal.detail()).isNotBlank();
    }

    @Test
    void check_fault_saysWhere() {
        Refusal refusal = refusal("{\n  \"event_type\": 5}".getBytes(UTF_8));
        assertThat(refusal.detail()).isEqualTo("\"event_type\" must be a string (line 2, column 17).");
        assertThat(refusal(new byte[] {'{', '"', (byte) 0xff, '"'}).detail()).contains("number 2");
    }

    /** The gateway takes what the reference reads, and nothing else; the stream job is held against the same. */
    @Property(tries = 50_000)
    void check_mutatedSample_isTakenExactlyWhenTheReferenceReadsIt(@ForAll Random random) {
        byte[] bytes = Mutations.next(random);
        Optional<Reference.Read> read = Reference.read(bytes);
        Verdict verdict = validator.check(bytes);
        assertThat(verdict instanceof Event).as(new String(bytes, UTF_8)).isEqualTo(read.isPresent());
        if (verdict instanceof Event event) {
            assertThat(event.type()).isEqualTo(read.orElseThrow().eventType());
            assertThat(event.value()).isSameAs(bytes);
        }
    }

    @Property
    void check_anyBytes_endsInAnAnswer(@ForAll byte[] bytes) {
        assertThat(refusal(bytes).rejection().status()).isEqualTo(400);
    }

    @Test
    void check_keyPolicy_namesTheKey() {
        assertThat(key("event_type", "{\"event_type\":\"a\"}")).isEqualTo("a");
        assertThat(key("params.user", "{\"event_type\":\"a\",\"params\":{\"x\":{\"user\":1},\"user\":\"u\\u0031\"}}"))
                .isEqualTo("u1");
        assertThat(key("params.user", "{\"event_type\":\"a\",\"params\":{\"user\":-7.50}}"))
                .isEqualTo("-7.50");
        assertThat(key("params.user", "{\"event_type\":\"a\",\"params\":{\"user\":true}}"))
                .isEqualTo("true");
        for (String none : List.of(
                "{\"event_type\":\"a\",\"user\":\"u\"}",
                "{\"event_type\":\"a\",\"params\":{\"user\":null}}",
                "{\"event_type\":\"a\",\"params\":{\"user\":[1]}}",
                "{\"event_type\":\"a\",\"params\":{\"list\":[{\"user\":2}]}}")) {
            assertThat(key("params.user", none)).isNull();
        }
    }

    @Test
    void check_bounds_areThoseConfigured() {
        Bounds small = new Bounds(1000, 1000, 1, 60, 2, Duration.ofSeconds(1));
        EventValidator strict = new EventValidator(small, KeyPolicy.NONE);
        assertThat(strict.check("{\"event_type\":\"a\",\"params\":{\"x\":{}}}".getBytes(UTF_8)))
                .isInstanceOf(Event.class);
        assertThat(((Refusal) strict.check("{\"event_type\":\"a\",\"params\":{\"x\":[[]]}}".getBytes(UTF_8)))
                        .rejection())
                .isEqualTo(Rejection.NESTED_TOO_DEEP);
        assertThat(((Refusal) strict.check(new byte[61])).rejection()).isEqualTo(Rejection.EVENT_TOO_LARGE);
    }

    private static String key(String policy, String json) {
        EventValidator keyed = new EventValidator(bounds(), KeyPolicy.parse(policy));
        return ((Event) keyed.check(json.getBytes(UTF_8))).key();
    }

    private Refusal refusal(byte[] bytes) {
        return (Refusal) validator.check(bytes);
    }
}
