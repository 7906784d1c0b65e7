package dev.sluice.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import dev.sluice.events.Programs;
import dev.sluice.events.Readme;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.EnvFromSource;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.batch.v1.CronJob;
import io.fabric8.kubernetes.api.model.networking.v1.Ingress;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.kubernetes.api.model.rbac.Role;
import io.fabric8.kubernetes.api.model.rbac.RoleBinding;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The manifests against the types of the Kubernetes API, and against themselves and the settings. */
class ManifestsTest {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final String LOCAL = "local";
    private static final String LOCAL_STORE = "local-store";
    private static final String PRODUCTION = "production";
    /** Of the Prometheus operator: types of a cluster that has it. */
    private static final Set<String> FOREIGN = Set.of("monitoring.coreos.com/v1");
    /** Made by whoever keeps secrets: the overlay says what they hold. */
    private static final Set<String> SECRETS =
            Set.of("sluice-kafka", "sluice-kafka-ca", "sluice-cassandra", "sluice-api-keys", "sluice-tls");

    private static final Pattern PINNED = Pattern.compile("\\S+(:(?!latest$)[\\w.-]+|@sha256:[0-9a-f]{64})");
    private static final Pattern OURS = Pattern.compile("sluice-.*|executor");
    private static final BigDecimal MEBIBYTE = BigDecimal.valueOf(1 << 20);
    /** Of the pod and of Spark, and what Amazon's client looks for. */
    private static final Set<String> OF_OTHERS = Set.of(
            "POD_NAME",
            "POD_NAMESPACE",
            "POD_IP",
            "EXECUTOR_IMAGE",
            "SPARK_CONF_DIR",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY");

    @BeforeAll
    static void require() {
        Programs.require("kubectl");
    }

    @ParameterizedTest
    @ValueSource(strings = {LOCAL, LOCAL_STORE, PRODUCTION})
    void fields_areThoseOfTheApi(String overlay) throws Exception {
        for (String text : Manifests.render(overlay).texts()) {
            validate(json(text));
        }
    }

    @Test
    void fields_misspeltOrMissing_areFound() throws Exception {
        String deployment = Manifests.render(LOCAL).texts().stream()
                .filter(text -> text.contains("kind: Deployment") && text.contains("sluice-gateway"))
                .findFirst()
                .orElseThrow();
        for (String wrong : List.of(
                deployment.replace("periodSeconds", "periodSecond"),
                deployment.replace("  selector:", "  selektor:"),
                deployment.replace("readOnlyRootFilesystem", "readOnlyRootFileSystem"))) {
            assertThat(wrong).isNotEqualTo(deployment);
            assertThatThrownBy(() -> validate(json(wrong))).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(
                        () -> Manifests.API.unmarshal(deployment.replace("containerPort: 5000", "containerPort: http")))
                .isInstanceOf(Exception.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {LOCAL, LOCAL_STORE, PRODUCTION})
    void references_resolve(String overlay) throws Exception {
        Manifests manifests = Manifests.render(overlay);
        manifests.pods().forEach((owner, pod) -> assertReferences(manifests, owner, pod.getSpec()));
        assertReferences(manifests, "executor", executor(manifests).getSpec());
        manifests.all(RoleBinding.class).forEach(binding -> {
            assertThat(manifests.has(Role.class, binding.getRoleRef().getName()))
                    .isTrue();
            binding.getSubjects().forEach(subject -> assertThat(manifests.has(ServiceAccount.class, subject.getName()))
                    .isTrue());
        });
        manifests.all(HorizontalPodAutoscaler.class).forEach(scaler -> assertThat(manifests.has(
                        Deployment.class, scaler.getSpec().getScaleTargetRef().getName()))
                .isTrue());
        manifests.all(Ingress.class).forEach(ingress -> {
            ingress.getSpec().getTls().forEach(tls -> assertThat(SECRETS).contains(tls.getSecretName()));
            ingress.getSpec().getRules().stream()
                    .flatMap(rule -> rule.getHttp().getPaths().stream())
                    .map(path -> path.getBackend().getService())
                    .forEach(backend -> assertThat(manifests
                                    .named(Service.class, backend.getName())
                                    .getSpec()
                                    .getPorts())
                            .anyMatch(port ->
                                    port.getName().equals(backend.getPort().getName())));
        });
    }

    private static void assertReferences(Manifests manifests, String owner, PodSpec pod) {
        if (pod.getServiceAccountName() != null) {
            assertThat(manifests.has(ServiceAccount.class, pod.getServiceAccountName()))
                    .as(owner)
                    .isTrue();
        }
        Set<String> claimed = manifests
                .all(StatefulSet.class)
                .filter(set -> set.getMetadata().getName().equals(owner))
                .flatMap(set -> set.getSpec().getVolumeClaimTemplates().stream())
                .map(claim -> claim.getMetadata().getName())
                .collect(Collectors.toSet());
        for (Volume volume : pod.getVolumes()) {
            if (volume.getConfigMap() != null) {
                assertThat(manifests.has(ConfigMap.class, volume.getConfigMap().getName()))
                        .as(owner)
                        .isTrue();
            }
            if (volume.getSecret() != null) {
                assertThat(SECRETS).contains(volume.getSecret().getSecretName());
            }
            if (volume.getPersistentVolumeClaim() != null) {
                String claim = volume.getPersistentVolumeClaim().getClaimName();
                assertThat(manifests.has(PersistentVolumeClaim.class, claim))
                        .as(owner)
                        .isTrue();
            }
        }
        for (Container container : pod.getContainers()) {
            for (EnvFromSource from : container.getEnvFrom()) {
                if (from.getConfigMapRef() != null) {
                    assertThat(manifests.has(
                                    ConfigMap.class, from.getConfigMapRef().getName()))
                            .as(owner)
                            .isTrue();
                } else {
                    assertThat(SECRETS).contains(from.getSecretRef().getName());
                }
            }
            assertThat(Stream.concat(pod.getVolumes().stream().map(Volume::getName), claimed.stream()))
                    .as(owner)
                    .containsAll(container.getVolumeMounts().stream()
                            .map(VolumeMount::getName)
                            .toList());
            for (Probe probe : probes(container)) {
                IntOrString port = probe.getHttpGet() != null
                        ? probe.getHttpGet().getPort()
                        : probe.getTcpSocket().getPort();
                assertThat(container.getPorts()).as(owner).anyMatch(each -> isIt(each, port));
            }
        }
    }

    private static List<Probe> probes(Container container) {
        return Stream.of(container.getStartupProbe(), container.getLivenessProbe(), container.getReadinessProbe())
                .filter(Objects::nonNull)
                .toList();
    }

    private static boolean isIt(ContainerPort port, IntOrString named) {
        return port.getContainerPort().equals(named.getIntVal())
                || named.getStrVal() != null && named.getStrVal().equals(port.getName());
    }

    @ParameterizedTest
    @ValueSource(strings = {LOCAL, LOCAL_STORE, PRODUCTION})
    void selectors_matchPods_andPortsExist(String overlay) throws Exception {
        Manifests manifests = Manifests.render(overlay);
        manifests.all(Deployment.class).forEach(each -> assertThat(
                        each.getSpec().getTemplate().getMetadata().getLabels())
                .containsAllEntriesOf(each.getSpec().getSelector().getMatchLabels()));
        for (Service service : manifests.all(Service.class).toList()) {
            List<ContainerPort> ports = manifests.pods().values().stream()
                    .filter(pod -> pod.getMetadata()
                            .getLabels()
                            .entrySet()
                            .containsAll(service.getSpec().getSelector().entrySet()))
                    .flatMap(pod -> pod.getSpec().getContainers().stream())
                    .flatMap(container -> container.getPorts().stream())
                    .toList();
            service.getSpec().getPorts().forEach(port -> assertThat(ports)
                    .as(service.getMetadata().getName())
                    .anyMatch(each -> isIt(
                            each,
                            port.getTargetPort() == null ? new IntOrString(port.getPort()) : port.getTargetPort())));
        }
        List<Map<String, String>> labels = Stream.concat(
                        manifests.pods().values().stream()
                                .map(pod -> pod.getMetadata().getLabels()),
                        Stream.of(executor(manifests).getMetadata().getLabels()))
                .toList();
        Stream.concat(
                        manifests
                                .all(NetworkPolicy.class)
                                .map(policy -> policy.getSpec().getPodSelector().getMatchLabels()),
                        manifests
                                .all(PodDisruptionBudget.class)
                                .map(budget -> budget.getSpec().getSelector().getMatchLabels()))
                .forEach(selector ->
                        assertThat(labels).anyMatch(each -> each.entrySet().containsAll(selector.entrySet())));
    }

    /** Each variable is a setting of the program that gets it, or is passed through to Kafka's client. */
    @ParameterizedTest
    @ValueSource(strings = {LOCAL, LOCAL_STORE, PRODUCTION})
    void variables_areSettings(String overlay) throws Exception {
        Manifests manifests = Manifests.render(overlay);
        assertVariables(manifests, "sluice-gateway", "KAFKA_PRODUCER_", "Gateway");
        assertVariables(manifests, "sluice-streaming", "KAFKA_CONSUMER_", "Streaming");
        if (manifests.has(CronJob.class, "sluice-offload")) {
            assertVariables(manifests, "sluice-offload", "KAFKA_CONSUMER_", "Streaming", "Jobs");
        }
        for (String owner : List.of("sluice-gateway", "sluice-streaming")) {
            assertThat(manifests.environment(container(manifests, owner))).containsKey("KAFKA_BOOTSTRAP_SERVERS");
        }
    }

    @Test
    void filesOfVariables_areMounted_andExecutorsNeedNone() throws Exception {
        Manifests manifests = Manifests.render(PRODUCTION);
        for (String owner : List.of("sluice-gateway", "sluice-streaming")) {
            Container container = container(manifests, owner);
            List<String> files = manifests.environment(container).entrySet().stream()
                    .filter(variable -> variable.getKey().endsWith("_FILE"))
                    .map(Map.Entry::getValue)
                    .toList();
            assertThat(files).as(owner).hasSizeGreaterThanOrEqualTo(4).allSatisfy(file -> assertThat(
                            container.getVolumeMounts())
                    .anyMatch(mount -> file.startsWith(mount.getMountPath() + "/")));
        }
        // settings of the consumer go to executors as they are
        assertThat(manifests
                        .environment(container(manifests, "sluice-streaming"))
                        .keySet())
                .noneMatch(name -> name.endsWith("_LOCATION"));
    }

    private static void assertVariables(Manifests manifests, String owner, String passed, String... sections) {
        Set<String> settings = Stream.concat(Stream.of("Both"), Arrays.stream(sections))
                .flatMap(section -> Readme.rows(section).stream())
                .map(row -> row.split("`")[1])
                .flatMap(name -> Stream.of(name, name + "_FILE"))
                .collect(Collectors.toSet());
        assertThat(manifests.environment(container(manifests, owner)).keySet().stream()
                        .filter(name -> !name.startsWith(passed) && !OF_OTHERS.contains(name)))
                .as(owner)
                .isSubsetOf(settings);
    }

    /** The restricted Pod Security Standard, no token but for the driver, and a root that cannot be written to. */
    @ParameterizedTest
    @ValueSource(strings = {LOCAL, LOCAL_STORE, PRODUCTION})
    void pods_areRestricted(String overlay) throws Exception {
        Manifests manifests = Manifests.render(overlay);
        Map<String, PodSpec> pods = manifests.pods().entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey, pod -> pod.getValue().getSpec()));
        pods.put("executor", executor(manifests).getSpec());
        pods.forEach((owner, pod) -> {
            assertThat(pod.getSecurityContext().getRunAsNonRoot()).as(owner).isTrue();
            assertThat(pod.getSecurityContext().getRunAsUser()).as(owner).isPositive();
            assertThat(pod.getSecurityContext().getSeccompProfile().getType()).isEqualTo("RuntimeDefault");
            assertThat(pod.getAutomountServiceAccountToken()).as(owner).isEqualTo(owner.equals("sluice-streaming"));
            for (Container container : pod.getContainers()) {
                SecurityContext security = container.getSecurityContext();
                assertThat(security.getAllowPrivilegeEscalation()).as(owner).isFalse();
                assertThat(security.getCapabilities().getDrop()).as(owner).containsExactly("ALL");
                if (OURS.matcher(owner).matches()) {
                    assertThat(security.getReadOnlyRootFilesystem()).as(owner).isTrue();
                }
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {LOCAL, LOCAL_STORE, PRODUCTION})
    void images_arePinned_andMemoryFitsTheHeap(String overlay) throws Exception {
        Manifests manifests = Manifests.render(overlay);
        manifests.pods().forEach((owner, pod) -> pod.getSpec().getContainers().forEach(container -> {
            assertThat(container.getImage()).as(owner).matches(PINNED);
            BigDecimal limit = bytes(container, container.getResources().getLimits());
            assertThat(bytes(container, container.getResources().getRequests()))
                    .as(owner)
                    .isLessThanOrEqualTo(limit);
            // half of it is heap: what the budget takes of that is in the README's sizing
            if (owner.equals("sluice-gateway")) {
                assertThat(limit).isGreaterThanOrEqualTo(MEBIBYTE.multiply(BigDecimal.valueOf(2 * (16 + 3 * 24 + 40))));
            } else if (owner.startsWith("sluice-")) {
                assertThat(limit).isGreaterThanOrEqualTo(MEBIBYTE.multiply(BigDecimal.valueOf(2 * 512)));
            }
        }));
        Container driver = container(manifests, "sluice-streaming");
        assertThat(manifests.environment(driver)).containsEntry("EXECUTOR_IMAGE", driver.getImage());
        // what is in flight may take as long as Kafka's client has, behind DRAIN_DELAY
        assertThat(manifests.pods().get("sluice-gateway").getSpec().getTerminationGracePeriodSeconds())
                .isGreaterThan(20 + 5);
    }

    /** In a namespace whose pods are restricted, with a role that allows pods alone. */
    @Test
    void exampleOfTheSparkOperator_mayDoWhatItDoes() throws Exception {
        Manifests manifests = Manifests.render(PRODUCTION);
        JsonNode application = null;
        for (String text : Manifests.example("spark-operator.yaml")) {
            JsonNode object = YAML.readTree(text);
            if (object.path("kind").asText().equals("SparkApplication")) {
                application = object.path("spec");
            } else {
                validate(json(text));
            }
        }
        Map<String, String> conf = manifests
                .all(ConfigMap.class)
                .map(map -> map.getData().get("spark-defaults.conf"))
                .filter(Objects::nonNull)
                .flatMap(String::lines)
                .filter(line -> line.endsWith(" true") || line.endsWith(" false"))
                .map(line -> line.split(" +"))
                .collect(Collectors.toMap(line -> line[0], line -> line[1]));
        assertThat(conf).hasSizeGreaterThanOrEqualTo(5);
        JsonNode told = Objects.requireNonNull(application).path("sparkConf");
        conf.forEach(
                (name, value) -> assertThat(told.path(name).asText()).as(name).isEqualTo(value));
        for (String part : List.of("driver", "executor")) {
            JsonNode pod = application.path(part);
            assertThat(pod.path("podSecurityContext").path("runAsNonRoot").asBoolean())
                    .isTrue();
            assertThat(pod.path("podSecurityContext")
                            .path("seccompProfile")
                            .path("type")
                            .asText())
                    .isEqualTo("RuntimeDefault");
            assertThat(pod.path("securityContext")
                            .path("allowPrivilegeEscalation")
                            .asBoolean(true))
                    .isFalse();
            assertThat(pod.path("securityContext").path("capabilities").path("drop"))
                    .hasToString("[\"ALL\"]");
        }
    }

    private static BigDecimal bytes(Container container, Map<String, Quantity> resources) {
        assertThat(resources).as(container.getName()).containsKey("memory");
        return Quantity.getAmountInBytes(resources.get("memory"));
    }

    private static Container container(Manifests manifests, String owner) {
        return Objects.requireNonNull(manifests.pods().get(owner), owner)
                .getSpec()
                .getContainers()
                .get(0);
    }

    /** The template that the driver makes its executors of; the configuration says where it is. */
    private static Pod executor(Manifests manifests) {
        ConfigMap spark = manifests
                .all(ConfigMap.class)
                .filter(map -> map.getData().containsKey("executor.yaml"))
                .findFirst()
                .orElseThrow();
        try {
            String text = spark.getData().get("executor.yaml");
            validate(json(text));
            return Manifests.API.unmarshal(text, Pod.class);
        } catch (IOException | ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    private static JsonElement json(String yaml) throws IOException {
        return JsonParser.parseString(YAML.readTree(yaml).toString());
    }

    /** @throws IllegalArgumentException that names a field which is unknown, or missing */
    private static void validate(JsonElement object) throws ReflectiveOperationException {
        String version = object.getAsJsonObject().get("apiVersion").getAsString();
        String kind = object.getAsJsonObject().get("kind").getAsString();
        if (FOREIGN.contains(version)) {
            return;
        }
        String plain = version.substring(version.lastIndexOf('/') + 1);
        Class<?> type =
                Class.forName("io.kubernetes.client.openapi.models." + plain.toUpperCase(java.util.Locale.ROOT) + kind);
        try {
            type.getMethod("validateJsonElement", JsonElement.class).invoke(null, object);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof IllegalArgumentException wrong) {
                throw new IllegalArgumentException(kind + ": " + wrong.getMessage(), wrong);
            }
            throw e;
        }
    }
}
