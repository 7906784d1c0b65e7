package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.events.Rejection;
import io.vertx.core.MultiMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CloudEventTest {
    private static final String REQUIRED = "\"specversion\":\"1.0\",\"id\":\"7\",\"source\":\"/s\",\"type\":\"t\"";
    private final CloudEventReader reader = new CloudEventReader();

    @Test
    void toEvent_everyAttribute_isMappedOrKept() throws Exception {
        assertThat(structured("{" + REQUIRED
                        + ",\"time\":\"2026-01-31T08:15:30.1239+01:00\",\"subject\":\"é\",\"datacontenttype\":\"application/json\""
                        + ",\"count\":5,\"good\":true,\"none\":null,\"data\":{\"k\" : [1, 2]}}"))
                .isEqualTo(
                        "{\"event_type\":\"t\",\"timestamp\":1769843730123,\"event_id\":\"7\",\"params\":{\"k\" : [1, 2]},"
                                + "\"count\":\"5\",\"good\":\"true\",\"source\":\"/s\",\"specversion\":\"1.0\",\"subject\":\"é\"}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                // datacontenttype ~ structured members ~ body of binary mode ~ what the event has
                "application/json ~ \"data\":{\"a\":1}           ~ {\"a\":1}     ~ \"params\":{\"a\":1}",
                "application/json ~ \"data_base64\":\"eyJhIjoxfQ==\" ~ {\"a\":1} ~ \"params\":{\"a\":1}",
                "application/vnd.x+json ~ \"data\":[1]            ~ [1]           ~ \"data\":[1]",
                "application/json ~ \"data\":\"x\"                ~ \"x\"         ~ \"data\":\"x\"",
                "text/plain       ~ \"data\":\"x\\\"y\"            ~ x\"y          ~ \"data\":\"x\\\"y\"",
                "application/xml  ~ \"data_base64\":\"PGEvPg==\"  ~ <a/>          ~ \"data\":\"<a/>\"",
                "application/json ~ \"x\":null                    ~ ''            ~ \"event_id\":\"7\"",
            })
    void toEvent_sameEventInBothModes_isTheSameBytes(String type, String members, String body, String expected)
            throws Exception {
        String structured = structured("{" + REQUIRED + ",\"datacontenttype\":\"" + type + "\"," + members + "}");
        String binary = binary(Map.of("Content-Type", type), body.getBytes(UTF_8));
        assertThat(structured).isEqualTo(binary).contains(expected);
    }

    @Test
    void toEvent_bytesThatAreNoText_stayBase64() throws Exception {
        String expected = "\"data_base64\":\"/wA=\"";
        assertThat(binary(Map.of("Content-Type", "application/octet-stream"), new byte[] {(byte) 0xff, 0}))
                .isEqualTo(structured(
                        "{" + REQUIRED + ",\"datacontenttype\":\"application/octet-stream\",\"data_base64\":\"/wA=\"}"))
                .contains(expected);
    }

    @Test
    void binary_headers_areDecodedAsTheBindingSays() throws Exception {
        assertThat(binary(Map.of("ce-subject", "Euro%20%E2%82%AC%20%F0%9F%98%80 a+b"), new byte[0]))
                .contains("\"subject\":\"Euro € 😀 a+b\"");
        assertThat(binary(Map.of("ce-subject", "100%"), new byte[0])).contains("\"subject\":\"100%\"");
        String utf8 = new String("é".getBytes(UTF_8), java.nio.charset.StandardCharsets.ISO_8859_1);
        assertThat(binary(Map.of("ce-subject", utf8), new byte[0])).contains("\"subject\":\"é\"");
        assertThat(binary(Map.of("CE-Subject", "\"a\\\\b\""), new byte[0])).contains("\"subject\":\"a\\\\b\"");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "{\"id\":\"7\",\"source\":\"s\",\"type\":\"t\"}                          ~ INVALID_CLOUDEVENT",
                "{\"specversion\":\"0.3\",\"id\":\"7\",\"source\":\"s\",\"type\":\"t\"} ~ INVALID_CLOUDEVENT",
                "{\"specversion\":\"1.0\",\"id\":\"\",\"source\":\"s\",\"type\":\"t\"}  ~ INVALID_CLOUDEVENT",
                "{R,\"time\":\"yesterday\"}               ~ INVALID_CLOUDEVENT",
                "{R,\"Upper\":\"x\"}                      ~ INVALID_CLOUDEVENT",
                "{R,\"event_type\":\"x\"}                 ~ INVALID_CLOUDEVENT",
                "{R,\"params\":\"x\"}                     ~ INVALID_CLOUDEVENT",
                "{R,\"id\":\"8\"}                         ~ INVALID_CLOUDEVENT",
                "{R,\"x\":1.5}                             ~ INVALID_CLOUDEVENT",
                "{R,\"x\":{}}                              ~ INVALID_CLOUDEVENT",
                "{R,\"data\":1,\"data_base64\":\"\"}      ~ INVALID_CLOUDEVENT",
                "{R,\"data_base64\":\"#\"}                ~ INVALID_CLOUDEVENT",
                "{R,\"x\":\"\\ud800\"}                   ~ LONE_SURROGATE",
                "{R,\"datacontenttype\":\"text/plain\",\"data\":\"\\ud800\"} ~ LONE_SURROGATE",
                "{R,}                                       ~ TRAILING_COMMA",
                "{R}x                                       ~ TRAILING_TEXT",
                "[{R}]                                      ~ NOT_AN_OBJECT",
                "''                                         ~ EMPTY_BODY",
            })
    void structured_fault_hasACode(String json, Rejection rejection) {
        assertThatThrownBy(() -> structured(json.replace("R", REQUIRED)))
                .isInstanceOfSatisfying(
                        RefusedException.class,
                        e -> assertThat(e.refusal().rejection()).isEqualTo(rejection));
    }

    @ParameterizedTest
    @ValueSource(strings = {"1,\"event_type\":\"x\"", "{}{}", "{\"a\":1", "nul", "{} //"})
    void binary_dataThatIsNotOneJsonValue_cannotReachTheEvent(String data) {
        assertThatThrownBy(() -> binary(Map.of("Content-Type", "application/json"), data.getBytes(UTF_8)))
                .isInstanceOf(RefusedException.class);
    }

    @Test
    void binary_badHeader_isRefused() {
        assertThatThrownBy(() -> binary(Map.of("ce-datacontenttype", "text/plain"), new byte[0]))
                .hasMessageContaining("remove ce-datacontenttype");
    }

    private String structured(String json) throws RefusedException {
        return new String(reader.structured(json.getBytes(UTF_8)).toEvent(), UTF_8);
    }

    private String binary(Map<String, String> headers, byte[] body) throws RefusedException {
        MultiMap all = MultiMap.caseInsensitiveMultiMap()
                .add("ce-specversion", "1.0")
                .add("ce-id", "7")
                .add("ce-source", "/s")
                .add("ce-type", "t")
                .addAll(headers);
        return new String(reader.binary(all, body).toEvent(), UTF_8);
    }
}
