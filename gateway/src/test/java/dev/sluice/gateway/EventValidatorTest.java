package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.events.Field;
import dev.sluice.events.Golden;
import dev.sluice.events.Rejection;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class EventValidatorTest {
    private final EventValidator validator = new EventValidator();

    static List<Golden.Valid> valid() {
        return Golden.valid();
    }

    static List<Golden.Invalid> invalid() {
        return Golden.invalid();
    }

    @ParameterizedTest
    @MethodSource("valid")
    void check_goldenEvent_isTaken(Golden.Valid sample) {
        assertThat(validator.check(sample.bytes())).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("invalid")
    void check_goldenFault_hasItsOwnCodeAndField(Golden.Invalid sample) {
        Refusal refusal = validator.check(sample.bytes()).orElseThrow();
        assertThat(refusal.rejection()).isEqualTo(sample.rejection());
        assertThat(Optional.ofNullable(refusal.field())).isEqualTo(sample.field());
        assertThat(refusal.detail()).isNotBlank();
    }

    @Test
    void check_fault_saysWhere() {
        Refusal refusal =
                validator.check("{\n  \"event_type\": 5}".getBytes(UTF_8)).orElseThrow();
        assertThat(refusal.detail()).isEqualTo("\"event_type\" must be a string (line 2, column 17).");
        assertThat(validator
                        .check(new byte[] {'{', '"', (byte) 0xff, '"'})
                        .orElseThrow()
                        .detail())
                .contains("number 2");
    }

    /** Whatever is taken, a reader of another make agrees on: Jackson's tree. */
    @Property
    void check_mutatedEvent_whatIsTakenIsAnEvent(@ForAll("mutations") byte[] bytes) throws IOException {
        if (validator.check(bytes).isEmpty()) {
            JsonNode tree = new ObjectMapper().readTree(bytes);
            assertThat(tree.get(Field.EVENT_TYPE.wireName()).isTextual()).isTrue();
            JsonNode timestamp = tree.get(Field.TIMESTAMP.wireName());
            assertThat(timestamp == null || timestamp.canConvertToLong()).isTrue();
        }
    }

    @Property
    void check_anyBytes_endsInAnAnswer(@ForAll byte[] bytes) {
        Optional<Refusal> refusal = validator.check(bytes);
        assertThat(refusal.map(Refusal::rejection).map(Rejection::status)).isIn(Optional.empty(), Optional.of(400));
    }

    @Provide
    Arbitrary<byte[]> mutations() {
        Arbitrary<byte[]> samples =
                Arbitraries.of(Golden.valid().stream().map(Golden.Valid::bytes).toList());
        return samples.flatMap(
                sample -> Arbitraries.integers().between(0, sample.length - 1).flatMap(at -> Arbitraries.bytes()
                        .map(b -> {
                            byte[] mutated = Arrays.copyOf(sample, sample.length);
                            mutated[at] = b;
                            return mutated;
                        })));
    }
}
