package dev.sluice.events;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GlanceTest {
    private final Glance glance = new Glance(3);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"event_type\":\"a:b\"}",
                " { \"event_id\" : \"1\" , \"event_type\" : \"a:b\" , \"timestamp\" : 0 } ",
                "{\"params\":{},\"event_type\":\"a:b\",\"timestamp\":253402300799999}",
                "{\"event_type\":\"a:b\",\"params\":{\"x\":[-1.5e+3,0,true,false,null,[],{\"y\":\"\\u00e4\\n\"}]}}",
                "{\"other\":[1,[2,[3]]],\"event_type\":\"a:b\",\"name\":\"\u00e4\"}"
            })
    void isEvent_usualEvent_isRecognized(String event) {
        assertThat(glance.isEvent(event.getBytes(UTF_8))).isTrue();
        assertThat(glance.type()).isEqualTo("a:b");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"event_typ\\u0065\":\"a\"}",
                "{\"event_type\":\"\\u0061\"}",
                "{\"event_type\":\"a\",\"x\":\"\\ud83d\\ude00\"}",
                "{\"event_type\":\"a\",\"x\":[[[[]]]]}"
            })
    void isEvent_unusualEvent_isLeftToAParser(String event) {
        assertThat(glance.isEvent(event.getBytes(UTF_8))).isFalse();
    }

    /** The reference refuses what is no UTF-8, at which this does not look. */
    @Property(tries = 20_000)
    void isEvent_whatItRecognizes_isWhatTheReferenceReads(@ForAll Random random) {
        byte[] sample = Mutations.next(random);
        String shown = new String(sample, UTF_8);
        if (glance.isEvent(sample) && glance.isAscii()) {
            Reference.Read event = Reference.read(sample).orElseThrow();
            assertThat(glance.type()).as(shown).isEqualTo(event.eventType());
            assertThat(glance.id()).as(shown).isEqualTo(event.eventId().orElse(null));
            assertThat(glance.timestamp()).as(shown).isEqualTo(event.timestamp().orElse(Glance.NONE));
        }
    }

    @Test
    void isEvent_afterAnother_hasNothingOfIt() {
        assertThat(glance.isEvent("{\"event_type\":\"a\",\"event_id\":\"\u00e4\",\"timestamp\":5}".getBytes(UTF_8)))
                .isTrue();
        assertThat(glance.id()).isEqualTo("\u00e4");
        assertThat(glance.isAscii()).isFalse();
        assertThat(glance.isEvent("{\"event_type\":\"b\"}".getBytes(UTF_8))).isTrue();
        assertThat(glance.id()).isNull();
        assertThat(glance.timestamp()).isEqualTo(Glance.NONE);
        assertThat(glance.isAscii()).isTrue();
        assertThat(glance.isEvent("{}".getBytes(UTF_8))).isFalse();
    }
}
