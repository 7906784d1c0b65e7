package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** That it takes nothing else is what {@link EventValidatorTest} shows. */
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
    void type_usualEvent_isRecognized(String event) {
        assertThat(glance.type(event.getBytes(UTF_8))).isEqualTo("a:b");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"event_typ\\u0065\":\"a\"}",
                "{\"event_type\":\"\\u0061\"}",
                "{\"event_type\":\"a\",\"x\":\"\\ud83d\\ude00\"}",
                "{\"event_type\":\"a\",\"x\":[[[[]]]]}"
            })
    void type_unusualEvent_isLeftToTheValidator(String event) {
        assertThat(glance.type(event.getBytes(UTF_8))).isNull();
    }

    @Test
    void type_afterAnother_isItsOwn() {
        assertThat(glance.type("{\"event_type\":\"a\"}".getBytes(UTF_8))).isEqualTo("a");
        assertThat(glance.type("{}".getBytes(UTF_8))).isNull();
    }
}
