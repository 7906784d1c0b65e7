package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.MultiMap;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TraceContextTest {
    private static final String PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    @Provide
    Arbitrary<String> parents() {
        return Combinators.combine(hex(32), hex(16), hex(2))
                .as((trace, span, flags) -> "00-" + trace + "-" + span + "-" + flags)
                .filter(parent ->
                        !parent.contains("-" + "0".repeat(32)) && !parent.contains("-" + "0".repeat(16) + "-"));
    }

    private static Arbitrary<String> hex(int length) {
        return Arbitraries.strings().withChars("0123456789abcdef").ofLength(length);
    }

    @Property
    void of_validParent_isPassedOnAsItCame(@ForAll("parents") String parent) {
        assertThat(passed(parent).parent()).isEqualTo(parent);
    }

    /** Hyphens where they are not, and all that is not lower-case hex. */
    @Property
    void of_oneOtherCharacter_isNoTrace(
            @ForAll("parents") String parent, @ForAll @IntRange(max = 54) int at, @ForAll char other) {
        boolean hyphen = parent.charAt(at) == '-';
        boolean isHex = "0123456789abcdef".indexOf(other) >= 0;
        // the version may be another one; then the rest is read as that of this one
        String mutated = parent.substring(0, at)
                + (isHex || other == parent.charAt(at) ? (hyphen ? 'a' : 'G') : other)
                + parent.substring(at + 1);
        assertThat(passed(mutated).isNone()).isTrue();
    }

    @Property
    void of_anyText_isNoTrace(@ForAll @StringLength(max = 100) @CharRange(from = ' ', to = '~') String text) {
        assertThat(passed(text).isNone()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                PARENT + "-00",
                PARENT + "0",
                "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.x"
            })
    void of_whatTheStandardForbids_isNoTrace(String parent) {
        assertThat(passed(parent).isNone()).isTrue();
        assertThat(passed(parent.toUpperCase(Locale.ROOT)).isNone()).isTrue();
    }

    @Test
    void of_laterVersion_isPassedOnAsThisOne() {
        assertThat(passed("01" + PARENT.substring(2) + "-what-comes").parent()).isEqualTo(PARENT);
    }

    @Test
    void of_twoParents_isNoTrace() {
        assertThat(TraceContext.of(TraceContext.extract(headers(PARENT, "a=b").add("TraceParent", PARENT)))
                        .isNone())
                .isTrue();
    }

    @Test
    void of_stateOfSeveralHeaders_isOne() {
        assertThat(state("a=1", "b@t=2 3 , c=4")).isEqualTo("a=1,b@t=2 3,c=4");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a", "A=1", "a=1,a=2", "a=ä", "a=1=2"})
    void of_stateThatTheStandardForbids_isNone_andTheParentStays(String state) {
        TraceContext context = TraceContext.of(TraceContext.extract(headers(PARENT, state)));
        assertThat(context.state()).isEmpty();
        assertThat(context.parent()).isEqualTo(PARENT);
        assertThat(context.headers()).hasSize(1);
    }

    @Test
    void of_largeState_losesItsLargeMembers_thenItsLast() {
        String large = "large=" + "x".repeat(140);
        String longest = members(1, 50);
        assertThat(longest).hasSizeGreaterThan(512);
        assertThat(state(large, members(1, 10))).isEqualTo(large + "," + members(1, 10));
        assertThat(state(large, members(1, 40))).isEqualTo(members(1, 30));
    }

    @Test
    void of_stateOfMoreMembersThanTheStandardHas_isNone() {
        String most = IntStream.range(0, 32).mapToObj(i -> "k" + i + "=v").collect(Collectors.joining(","));
        assertThat(state(most)).isEqualTo(most);
        assertThat(state(most, "more=v")).isEmpty();
    }

    @Property
    void of_anyState_isBoundedAndOfItsMembers(@ForAll @IntRange(min = 1, max = 60) int members) {
        String state = state(members(1, members));
        assertThat(state).hasSizeLessThanOrEqualTo(512);
        assertThat(members(1, members)).startsWith(state);
    }

    private static String members(int first, int last) {
        return IntStream.rangeClosed(first, last)
                .mapToObj(i -> String.format(Locale.ROOT, "k%02d=%s", i, "v".repeat(12)))
                .collect(Collectors.joining(","));
    }

    private static TraceContext passed(String parent) {
        return TraceContext.of(TraceContext.extract(headers(parent)));
    }

    private static String state(String... values) {
        return TraceContext.of(TraceContext.extract(headers(PARENT, values))).state();
    }

    private static MultiMap headers(String parent, String... states) {
        MultiMap headers = MultiMap.caseInsensitiveMultiMap().add("traceparent", parent);
        for (String state : states) {
            headers.add("tracestate", state);
        }
        return headers;
    }
}
