package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.get;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import dev.sluice.events.Field;
import dev.sluice.events.Golden;
import dev.sluice.events.Limits;
import dev.sluice.events.Rejection;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.junit5.VertxExtension;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The OpenAPI document, the list of codes and real answers say the same. */
@ExtendWith({VertxExtension.class, EventLoopWatch.class})
class ContractDocumentTest {
    @TempDir
    static Path folder;

    private static Fixture gateway;
    private static JsonNode document;

    @BeforeAll
    static void start() throws Exception {
        gateway = new Fixture(folder, Map.of("MAX_EVENT_BYTES", "70000", "MAX_BODY_BYTES", "80000"));
        HttpResponse<Buffer> response = get(gateway.client
                .get(gateway.settings.httpPort(), "localhost", IngestVerticle.CONTRACT_PATH)
                .send());
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.getHeader("Content-Type")).isEqualTo("application/yaml");
        document = new YAMLMapper().readTree(response.bodyAsString(UTF_8.name()));
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    @Test
    void document_isOpenApi31AndListsEveryCodeFieldAndLimit() {
        assertThat(document.get("openapi").asText()).startsWith("3.1.");
        JsonNode schemas = document.at("/components/schemas");
        assertThat(texts(schemas.at("/Code/enum")))
                .isEqualTo(Stream.of(Rejection.values()).map(Rejection::code).toList());
        assertThat(texts(schemas.at("/Field/enum")))
                .containsExactlyInAnyOrderElementsOf(
                        Stream.of(Field.values()).map(Field::wireName).toList());
        assertThat(schemas.at("/EventType/maxLength").asInt()).isEqualTo(Limits.EVENT_TYPE_CHARACTERS);
        assertThat(schemas.at("/EventId/maxLength").asInt()).isEqualTo(Limits.EVENT_ID_CHARACTERS);
        assertThat(schemas.at("/Timestamp/maximum").asLong()).isEqualTo(Limits.MAX_TIMESTAMP);
    }

    @Test
    void document_hasAnExampleOfEveryCodeAtItsStatus() {
        Map<String, Set<String>> expected = Stream.of(Rejection.values())
                .collect(Collectors.groupingBy(
                        rejection -> Integer.toString(rejection.status()),
                        TreeMap::new,
                        Collectors.mapping(Rejection::code, Collectors.toCollection(TreeSet::new))));
        JsonNode responses = document.at("/paths/~1api~1events/post/responses");
        Map<String, Set<String>> shown = new TreeMap<>();
        responses.properties().forEach(response -> {
            JsonNode examples = response.getValue().at("/content/application~1problem+json/examples");
            examples.properties().forEach(example -> {
                JsonNode problem = example.getValue().get("value");
                assertValid("Problem", problem);
                assertThat(problem.get("code").asText()).isEqualTo(example.getKey());
                Rejection rejection = Rejection.valueOf(example.getKey().toUpperCase(java.util.Locale.ROOT));
                assertThat(problem.get("title").asText()).isEqualTo(rejection.meaning());
                assertThat(problem.get("retryable").asBoolean()).isEqualTo(rejection.retryable());
                assertThat(problem.get("status").asText()).isEqualTo(response.getKey());
                shown.computeIfAbsent(response.getKey(), status -> new TreeSet<>())
                        .add(example.getKey());
            });
        });
        assertThat(shown).isEqualTo(expected);
        assertThat(responses.fieldNames()).toIterable().contains("202", "207");
    }

    @Test
    void answers_keepTheSchemas() throws Exception {
        assertAnswer("Receipt", 202, "application/json", Golden.PROTOTYPE);
        assertAnswer("BatchReceipt", 202, "application/json", "[" + Golden.PROTOTYPE + "]");
        assertAnswer("PartialReceipt", 207, "application/json", "[" + Golden.PROTOTYPE + ",{\"event_type\":1}]");
        assertAnswer("Problem", 400, "application/x-ndjson", "{}\n{\"event_type\":1}\n");
        assertAnswer("Problem", 413, "application/json", " ".repeat(75_000));
        assertAnswer("Problem", 413, "application/json", " ".repeat(81_000));
        assertAnswer("Problem", 415, "text/html", "x");
        for (Golden.Invalid sample : Golden.invalid()) {
            HttpResponse<Buffer> response = gateway.post("application/json", sample.bytes());
            // an array is a batch
            assertValid(response.statusCode() == 202 ? "BatchReceipt" : "Problem", Fixture.json(response));
        }
    }

    /** The schema of an event takes what the gateway takes; what it refuses by type or value, the gateway refuses. */
    @Test
    void eventSchema_agreesWithTheGateway() throws Exception {
        for (Golden.Valid sample : Golden.valid()) {
            assertValid("Event", Fixture.JSON.readTree(sample.bytes()));
        }
        Set<Rejection> byValue = Set.of(
                Rejection.NOT_AN_OBJECT,
                Rejection.MISSING_FIELD,
                Rejection.WRONG_TYPE,
                Rejection.INVALID_LENGTH,
                Rejection.INVALID_CHARACTER,
                Rejection.OUT_OF_RANGE);
        for (Golden.Invalid sample : Golden.invalid()) {
            // JSON Schema holds that 1.0 and 1e3 are integers
            if (byValue.contains(sample.rejection()) && !sample.name().startsWith("timestamp 1")) {
                assertThat(schema("Event").validate(Fixture.JSON.readTree(sample.bytes())))
                        .as(sample.name())
                        .isNotEmpty();
            }
        }
    }

    private static void assertAnswer(String schema, int status, String type, String body) throws Exception {
        HttpResponse<Buffer> response = gateway.post(type, body);
        assertThat(response.statusCode()).isEqualTo(status);
        JsonNode described = document.at("/paths/~1api~1events/post/responses/" + status + "/content");
        assertThat(described.fieldNames()).toIterable().contains(response.getHeader("Content-Type"));
        assertValid(schema, Fixture.json(response));
    }

    private static void assertValid(String schema, JsonNode json) {
        assertThat(schema(schema).validate(json)).as("%s as %s", json, schema).isEmpty();
    }

    private static JsonSchema schema(String name) {
        JsonNode whole = document.deepCopy();
        ((com.fasterxml.jackson.databind.node.ObjectNode) whole).put("$ref", "#/components/schemas/" + name);
        return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012).getSchema(whole);
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        for (Iterator<JsonNode> items = array.elements(); items.hasNext(); ) {
            texts.add(items.next().asText());
        }
        return texts;
    }
}
