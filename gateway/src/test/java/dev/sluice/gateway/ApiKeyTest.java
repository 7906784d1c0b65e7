package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.StringLength;

class ApiKeyTest {
    /** As the same pattern says it as a regular expression. */
    @Property
    void allows_anyPattern_matchesAsAnExpressionDoes(
            @ForAll
                    @CharRange(from = 'a', to = 'b')
                    @net.jqwik.api.constraints.Chars('*')
                    @StringLength(min = 1, max = 8)
                    String pattern,
            @ForAll @CharRange(from = 'a', to = 'b') @StringLength(min = 1, max = 8) String type) {
        String expression =
                Arrays.stream(pattern.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining(".*"));
        Sender sender =
                ApiKey.issue("a", List.of(pattern), null, Quota.NONE).key().sender(new Quotas(0, 0));
        Event event = new Event(new byte[0], type, null);
        assertThat(sender.check(event) == event).isEqualTo(type.matches(expression));
    }

    @Property
    void isSecret_anyOther_isNot(@ForAll @StringLength(max = 60) String other) {
        ApiKey.Issued issued = ApiKey.issue("a", List.of(), null, Quota.NONE);
        assertThat(issued.key().isSecret(issued.token().substring(2))).isTrue();
        assertThat(issued.key().isSecret(other)).isFalse();
    }
}
