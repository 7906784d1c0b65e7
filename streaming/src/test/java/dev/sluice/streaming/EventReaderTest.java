package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.Golden;
import dev.sluice.events.Mutations;
import dev.sluice.events.Reference;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class EventReaderTest {
    private final EventReader reader = new EventReader(new Aggregates("user", "price"));

    @Test
    void read_goldenSamples_areReadAsTheGatewayReadsThem() {
        for (Golden.Valid sample : Golden.valid()) {
            assertThat(reader.read(sample.bytes())).as(sample.name()).isTrue();
            assertThat(reader.type()).as(sample.name()).isEqualTo(sample.eventType());
            assertThat(reader.id()).as(sample.name()).isEqualTo(sample.eventId().orElse(null));
            assertThat(reader.timestamp())
                    .as(sample.name())
                    .isEqualTo(
                            sample.timestamp().isPresent() ? sample.timestamp().getAsLong() : null);
        }
    }

    /** One of the two reads most of them without a parser. */
    @Property(tries = 20_000)
    void read_mutatedSamples_areReadTheSameWhetherParamsAreWantedOrNot(@ForAll Random random) {
        byte[] sample = Mutations.next(random);
        String shown = new String(sample, UTF_8);
        EventReader other = new EventReader(Aggregates.NONE);
        boolean isEvent = reader.read(sample);
        assertThat(other.read(sample)).as(shown).isEqualTo(isEvent);
        if (isEvent) {
            assertThat(other.type()).as(shown).isEqualTo(reader.type());
            assertThat(other.id()).as(shown).isEqualTo(reader.id());
            assertThat(other.timestamp()).as(shown).isEqualTo(reader.timestamp());
        }
    }

    /** What the gateway takes is exactly what the reference reads: its own tests hold it against the same. */
    @Property(tries = 20_000)
    void read_mutatedSamples_areReadAsTheReferenceReadsThem(@ForAll Random random) {
        byte[] sample = Mutations.next(random);
        String shown = new String(sample, UTF_8);
        Reference.read(sample).ifPresent(event -> {
            assertThat(reader.read(sample)).as(shown).isTrue();
            assertThat(reader.type()).as(shown).isEqualTo(event.eventType());
            assertThat(reader.id()).as(shown).isEqualTo(event.eventId().orElse(null));
            assertThat(reader.timestamp())
                    .as(shown)
                    .isEqualTo(event.timestamp().isPresent() ? event.timestamp().getAsLong() : null);
        });
    }

    @Test
    void read_notAnEvent_isFalse() {
        for (String json : List.of(
                "",
                "null",
                "[]",
                "{",
                "{}",
                "text",
                "\uFEFF{\"event_type\":\"a\"}",
                "{\"event_type\":\"a\"}{}",
                "{\"event_type\":null}",
                "{\"event_type\":7}",
                "{\"event_type\":\"a\",\"event_id\":7}",
                "{\"event_type\":\"a\",\"params\":[]}",
                "{\"event_type\":\"a\",\"timestamp\":\"1\"}",
                "{\"event_type\":\"a\",\"timestamp\":1.5}",
                "{\"event_type\":\"a\",\"timestamp\":-1}",
                "{\"event_type\":\"a\",\"timestamp\":253402300800000}",
                "{\"event_type\":\"a\",\"timestamp\":9223372036854775807}",
                "{\"event_type\":\"a\",\"timestamp\":99999999999999999999}")) {
            assertThat(reader.read(json.getBytes(UTF_8))).as(json).isFalse();
        }
        assertThat(reader.read(null)).isFalse();
        assertThat(reader.read("{\"event_type\":\"a\"}".getBytes(UTF_16LE))).isFalse();
        assertThat(reader.read("{\"event_type\":\"a\"}".getBytes(UTF_16BE))).isFalse();
        assertThat(reader.read(new byte[] {'{', '"', (byte) 0xff, '"', ':', '1', '}'}))
                .isFalse();
    }

    @Test
    void read_namedParams_areReadWhereTheyAreOfTheirTypes() {
        assertParams("{\"user\":\"u\",\"price\":2.5,\"other\":{\"user\":\"no\",\"price\":7}}", "u", 2.5);
        assertParams("{\"other\":[{\"price\":7}],\"price\":-3,\"user\":17}", "17", -3.0);
        assertParams("{\"user\":true,\"price\":\"2.5\"}", "true", null);
        assertParams("{\"user\":null,\"price\":1e999}", null, null);
        assertParams("{\"user\":{},\"price\":[1]}", null, null);
        assertParams("{}", null, null);
        assertParams("null", null, null);
    }

    private void assertParams(String params, @Nullable String distinct, @Nullable Double value) {
        String json = "{\"params\":" + params + ",\"event_type\":\"a\",\"user\":\"no\",\"price\":9}";
        assertThat(reader.read(json.getBytes(UTF_8))).as(json).isTrue();
        assertThat(reader.distinct()).as(json).isEqualTo(distinct);
        assertThat(reader.value()).as(json).isEqualTo(value);
    }

    @Test
    void read_afterAnother_hasNothingOfIt() {
        assertThat(reader.read("{\"event_type\":\"a\",\"event_id\":\"1\",\"timestamp\":5}".getBytes(UTF_8)))
                .isTrue();
        assertThat(reader.read("{\"event_type\":\"b\"}".getBytes(UTF_8))).isTrue();
        assertThat(reader.id()).isNull();
        assertThat(reader.timestamp()).isNull();
    }
}
