package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.events.Rejection;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ItemsTest {
    private static final int MOST = 1000;

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "[{\"a\":1},{\"b\":2}]                ~ {\"a\":1} {\"b\":2}",
                " [ 1 , \"x,]\" ]                       ~ 1 \"x,]\"",
                "[\"\\\"],\",2]                          ~ \"\\\"],\" 2",
                "[{\"a\":[1,2,{}]},[3,[4]]]            ~ {\"a\":[1,2,{}]} [3,[4]]",
                // an item that is broken keeps to itself
                "[{\"a\"},{\"b\":2}]                   ~ {\"a\"} {\"b\":2}",
                "[{\"a\":1}},{\"b\":2}]                ~ {\"a\":1}} {\"b\":2}",
                "[{\"a\":1],{\"b\":2}]                 ~ {\"a\":1] {\"b\":2}",
                "[x y,{\"b\":2}]                        ~ x_y {\"b\":2}",
                // what is wrong with the array itself is an item of its own
                "[1,]                                   ~ 1 trailing_comma",
                "[,1]                                   ~ invalid_json 1",
                "[1,,2]                                 ~ 1 invalid_json 2",
                "[1                                     ~ 1 invalid_json",
                "[                                      ~ invalid_json",
                "[1,                                    ~ 1 invalid_json",
                "[1]x                                   ~ 1 trailing_text",
                "[1][2]                                 ~ 1 trailing_text",
                "[1]]                                   ~ 1 trailing_text",
                "[{\"a\":1                              ~ {\"a\":1",
                "[\"a                                   ~ \"a invalid_json",
            })
    void ofArray_splitsAtTheCommasOfTheArrayAlone(String body, String expected) throws Exception {
        assertThat(shown(Items.ofArray(body.getBytes(UTF_8), MOST))).isEqualTo(expected);
    }

    @Test
    void ofArray_empty_isRefused() {
        assertThatThrownBy(() -> Items.ofArray(" [ ] ".getBytes(UTF_8), MOST))
                .isInstanceOfSatisfying(
                        RefusedException.class,
                        e -> assertThat(e.refusal().rejection()).isEqualTo(Rejection.EMPTY_BATCH));
    }

    @Test
    void ofArray_oneTooMany_isRefused() throws Exception {
        assertThat(Items.ofArray("[1,2]".getBytes(UTF_8), 2).size()).isEqualTo(2);
        assertThatThrownBy(() -> Items.ofArray("[1,2,3]".getBytes(UTF_8), 2))
                .isInstanceOfSatisfying(
                        RefusedException.class,
                        e -> assertThat(e.refusal().rejection()).isEqualTo(Rejection.TOO_MANY_EVENTS));
    }

    @Test
    void ofLines_blankLinesAreNoItems() throws Exception {
        assertThat(shown(Items.ofLines("{}\r\n\n  \n{\"a\":1} \nx".getBytes(UTF_8), MOST)))
                .isEqualTo("{} {\"a\":1} x");
        assertThatThrownBy(() -> Items.ofLines(" \n\n".getBytes(UTF_8), MOST))
                .isInstanceOfSatisfying(
                        RefusedException.class,
                        e -> assertThat(e.refusal().rejection()).isEqualTo(Rejection.EMPTY_BODY));
    }

    @Property
    void ofArray_anyJson_isItsElements(@ForAll("elements") List<String> elements, @ForAll("blank") String blank)
            throws Exception {
        String body = elements.stream().map(element -> blank + element + blank).collect(Collectors.joining(","));
        Items items = Items.ofArray(("[" + body + "]").getBytes(UTF_8), MOST);
        assertThat(texts(items)).isEqualTo(elements);
    }

    /** Whatever comes in, only separators, white space and what follows the array is in no item. */
    @Property
    void ofArray_anyBytes_losesNothingInSilence(@ForAll("noise") String noise) throws RefusedException {
        Items items = Items.ofArray(("[1," + noise).getBytes(UTF_8), MOST);
        long kept = texts(items).stream()
                .flatMapToInt(String::chars)
                .filter(c -> c == 'a')
                .count();
        boolean trailing = IntStream.range(0, items.size())
                .mapToObj(items::fault)
                .anyMatch(fault -> fault != null && fault.rejection() == Rejection.TRAILING_TEXT);
        assertThat(trailing || kept == noise.chars().filter(c -> c == 'a').count())
                .isTrue();
    }

    @Provide
    Arbitrary<List<String>> elements() {
        Arbitrary<String> leaf =
                Arbitraries.of("1", "-2.5e3", "true", "null", "\"\"", "\",[]{}\"", "\"\\\"\"", "\"\\\\\"", "{}", "[]");
        Arbitrary<String> json = Arbitraries.lazyOf(
                () -> leaf,
                () -> leaf,
                () -> json().list().ofMaxSize(3).map(list -> "[" + String.join(",", list) + "]"),
                () -> Combinators.combine(json(), json()).as((a, b) -> "{\"x\": " + a + ",\"]\":" + b + "}"));
        return json.list().ofMinSize(1).ofMaxSize(8);
    }

    private Arbitrary<String> json() {
        return Arbitraries.of("7", "\"a,b\"", "[1, 2]", "{\"k\":\"}\"}");
    }

    @Provide
    Arbitrary<String> blank() {
        return Arbitraries.of("", " ", "\n", "\t\r\n");
    }

    @Provide
    Arbitrary<String> noise() {
        return Arbitraries.strings().withChars("[]{},:\"\\ a1").ofMaxLength(40);
    }

    private static List<String> texts(Items items) {
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < items.size(); i++) {
            texts.add(new String(items.bytes(i), UTF_8));
        }
        return texts;
    }

    private static String shown(Items items) {
        List<String> shown = new ArrayList<>();
        for (int i = 0; i < items.size(); i++) {
            Refusal fault = items.fault(i);
            shown.add(
                    fault == null
                            ? new String(items.bytes(i), UTF_8).replace(' ', '_')
                            : fault.rejection().code());
        }
        return String.join(" ", shown);
    }
}
