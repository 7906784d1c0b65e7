package dev.sluice.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.sluice.events.Programs;
import dev.sluice.events.RealBroker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The alerts and the dashboard: by Prometheus' own tool, and against the documents. */
class AlertsTest {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final Path K8S = RealBroker.home().resolve("k8s");
    private static final Pattern METRIC = Pattern.compile("sluice_[a-z_]+");
    /** Of what a timer is made of. */
    private static final Pattern PART = Pattern.compile("_(count|sum|max)$");

    @TempDir
    Path folder;

    private JsonNode rules;

    @BeforeEach
    void read() throws Exception {
        rules = YAML.readTree(K8S.resolve("overlays/production/alerts.yaml").toFile())
                .get("spec");
    }

    @Test
    void alerts_fireOnWhatTheyAreFor() throws Exception {
        Programs.require("promtool");
        Files.writeString(folder.resolve("rules.yaml"), rules.toString());
        Files.copy(K8S.resolve("alerts-test.yaml"), folder.resolve("alerts-test.yaml"));
        Programs.run(folder, "promtool", "check", "rules", "rules.yaml");
        Programs.run(folder, "promtool", "test", "rules", "alerts-test.yaml");
    }

    @Test
    void alerts_haveATestAndARowOfWhatToDo() throws Exception {
        String tests = Files.readString(K8S.resolve("alerts-test.yaml"));
        String readme = Files.readString(K8S.resolve("README.md"));
        assertThat(alerts()).isNotEmpty().allSatisfy(alert -> {
            assertThat(readme).contains("| `" + alert + "` |");
            assertThat(tests).containsPattern("alertname: " + alert + "\\n +exp_alerts:");
        });
    }

    /** A name that is misspelt would be an alert that never fires. */
    @Test
    void metrics_ofAlertsAndDashboard_areDocumented() throws Exception {
        String readme = Files.readString(RealBroker.home().resolve("README.md"));
        String dashboard = Files.readString(K8S.resolve("overlays/production/dashboard.json"));
        Set<String> metrics = new TreeSet<>();
        Matcher metric = METRIC.matcher(rules + dashboard);
        while (metric.find()) {
            metrics.add(PART.matcher(metric.group()).replaceAll(""));
        }
        assertThat(metrics).isNotEmpty().allSatisfy(name -> assertThat(readme).containsPattern("`" + name + "[`{]"));
    }

    private List<String> alerts() {
        List<String> names = new ArrayList<>();
        rules.get("groups").forEach(group -> group.get("rules")
                .forEach(rule -> names.add(rule.get("alert").asText())));
        return names;
    }
}
