package dev.sluice.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/** What the user of {@code examples/strimzi.yaml} may do, as Strimzi makes it. */
final class Rights {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final String CLUSTER = "kafka-cluster";

    private Rights() {}

    static List<AclBinding> of(String user) throws IOException {
        List<AclBinding> rights = new ArrayList<>();
        for (String text : Manifests.example("strimzi.yaml")) {
            JsonNode object = YAML.readTree(text);
            if (object.path("kind").asText().equals("KafkaUser")) {
                for (JsonNode rule : object.path("spec").path("authorization").path("acls")) {
                    ResourcePattern resource = resource(rule.path("resource"));
                    for (JsonNode operation : rule.path("operations")) {
                        rights.add(new AclBinding(
                                resource,
                                new AccessControlEntry(
                                        "User:" + user,
                                        "*",
                                        AclOperation.fromString(snake(operation.asText())),
                                        AclPermissionType.ALLOW)));
                    }
                }
            }
        }
        return rights;
    }

    private static ResourcePattern resource(JsonNode resource) {
        return new ResourcePattern(
                ResourceType.fromString(snake(resource.path("type").asText())),
                resource.path("name").asText(CLUSTER),
                resource.path("patternType").asText().equals("prefix") ? PatternType.PREFIXED : PatternType.LITERAL);
    }

    private static String snake(String camel) {
        return camel.replaceAll("(?<=[a-z])(?=[A-Z])", "_").toUpperCase(Locale.ROOT);
    }
}
