package dev.sluice.kubernetes;

import dev.sluice.events.RealBroker;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.batch.v1.CronJob;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What {@code kubectl apply -k} would send. */
record Manifests(String overlay, List<String> texts, List<HasMetadata> objects) {
    static final KubernetesSerialization API = new KubernetesSerialization();

    /** @throws AssertionError with what kustomize says, a warning too */
    static Manifests render(String overlay) throws IOException, InterruptedException {
        Process kubectl = new ProcessBuilder("kubectl", "kustomize", "k8s/overlays/" + overlay)
                .directory(RealBroker.home().toFile())
                .start();
        String yaml = new String(kubectl.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String trouble = new String(kubectl.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        if (kubectl.waitFor() != 0 || !trouble.isEmpty()) {
            throw new AssertionError("kubectl kustomize k8s/overlays/" + overlay + ": " + trouble);
        }
        List<String> texts = documents(yaml);
        return new Manifests(
                overlay,
                texts,
                texts.stream().map(text -> (HasMetadata) API.unmarshal(text)).toList());
    }

    /** The objects of a file of {@code k8s/examples}. */
    static List<String> example(String file) throws IOException {
        return documents(
                Files.readString(RealBroker.home().resolve("k8s/examples").resolve(file)));
    }

    private static List<String> documents(String yaml) {
        return Arrays.asList(yaml.split("(?m)^---$"));
    }

    <T extends HasMetadata> Stream<T> all(Class<T> type) {
        return objects.stream().filter(type::isInstance).map(type::cast);
    }

    <T extends HasMetadata> T named(Class<T> type, String name) {
        return all(type)
                .filter(each -> each.getMetadata().getName().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + type.getSimpleName() + " " + name + " in " + overlay));
    }

    boolean has(Class<? extends HasMetadata> type, String name) {
        return all(type).anyMatch(each -> each.getMetadata().getName().equals(name));
    }

    /** Pods that are made of these manifests, by the names of what makes them. */
    Map<String, PodTemplateSpec> pods() {
        Map<String, PodTemplateSpec> pods = new LinkedHashMap<>();
        all(Deployment.class)
                .forEach(each ->
                        pods.put(each.getMetadata().getName(), each.getSpec().getTemplate()));
        all(StatefulSet.class)
                .forEach(each ->
                        pods.put(each.getMetadata().getName(), each.getSpec().getTemplate()));
        all(Job.class)
                .forEach(each ->
                        pods.put(each.getMetadata().getName(), each.getSpec().getTemplate()));
        all(CronJob.class)
                .forEach(each -> pods.put(
                        each.getMetadata().getName(),
                        each.getSpec().getJobTemplate().getSpec().getTemplate()));
        return pods;
    }

    /** The variables that a container gets, but for those of secrets; what is known of the pod at run time is empty. */
    Map<String, String> environment(Container container) {
        Map<String, String> environment = new LinkedHashMap<>();
        container.getEnvFrom().stream()
                .filter(from -> from.getConfigMapRef() != null)
                .map(from -> named(ConfigMap.class, from.getConfigMapRef().getName()))
                .forEach(map -> environment.putAll(map.getData()));
        environment.putAll(container.getEnv().stream()
                .collect(Collectors.toMap(
                        EnvVar::getName, variable -> variable.getValue() == null ? "" : variable.getValue())));
        return environment;
    }
}
