package dev.sluice.events;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class ContractTest {
    @Test
    void rejection_isRetryableOnlyWhenTheBytesAreNotAtFault() {
        for (Rejection rejection : Rejection.values()) {
            assertThat(rejection.retryable())
                    .as(rejection.code())
                    .isEqualTo(Set.of(408, 429, 503).contains(rejection.status()));
            assertThat(rejection.code()).matches("[a-z][a-z0-9_]+");
            assertThat(rejection.meaning()).endsWith(".");
        }
    }

    @Test
    void golden_showsEveryReasonThatLiesInTheBytes() {
        Set<Rejection> shown =
                Golden.invalid().stream().map(Golden.Invalid::rejection).collect(Collectors.toSet());
        Set<Rejection> inTheBytes = EnumSet.range(Rejection.EMPTY_BODY, Rejection.OUT_OF_RANGE);
        assertThat(shown).isEqualTo(inTheBytes);
    }

    @Test
    void golden_agreesWithTheReference() {
        for (Golden.Valid sample : Golden.valid()) {
            assertThat(Reference.read(sample.bytes()))
                    .as(sample.name())
                    .contains(new Reference.Read(sample.eventType(), sample.timestamp(), sample.eventId()));
        }
        for (Golden.Invalid sample : Golden.invalid()) {
            assertThat(Reference.read(sample.bytes())).as(sample.name()).isEmpty();
        }
    }

    @Test
    void readme_listsEveryRejection() {
        assertThat(Readme.rows("Refusals"))
                .isEqualTo(Stream.of(Rejection.values()).map(Readme::row).toList());
    }

    @Test
    void field_isFoundByItsExactName() {
        assertThat(Field.named("event_type")).contains(Field.EVENT_TYPE);
        assertThat(Field.named("Event_type")).isEmpty();
    }

    @Property
    void eventTypeCharacter_isAsciiWordOrOneOfFive(@ForAll char c) {
        assertThat(Limits.isEventTypeCharacter(c)).isEqualTo(String.valueOf(c).matches("[A-Za-z0-9._:/-]"));
    }
}
