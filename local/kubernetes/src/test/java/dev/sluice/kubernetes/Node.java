package dev.sluice.kubernetes;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.EnvVarSource;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.PodStatusBuilder;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.SecretKeySelector;
import io.fabric8.kubernetes.client.NamespacedKubernetesClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Stands in for a cluster's nodes and controllers. Each pod that the API server knows is a container of podman, on a loopback
 * address of its own; a container that ended is reported, and started again where its pod says so; one whose pod is gone is
 * stopped, and pods whose owner is gone go too. A Deployment has one pod, and the next one once that has gone.
 */
final class Node implements AutoCloseable {
    private static final String NAME = "app.kubernetes.io/name";
    /** Keeps a pod that is deleted until its container has ended. */
    private static final String NODE = "sluice.dev/node";

    private static final long LOOK_MILLIS = 200;
    private static final long STOP_SECONDS = 60;
    private static final long USUAL_GRACE_SECONDS = 30;

    private final ApiServer api;
    private final NamespacedKubernetesClient client;
    private final Podman podman;
    private final Manifests manifests;
    private final Map<String, String> images;
    private final Map<String, Map<String, String>> variables;
    private final Path account;
    private final Set<String> running = ConcurrentHashMap.newKeySet();
    private final List<Throwable> failures = new ArrayList<>();
    private final ScheduledExecutorService loop = Executors.newSingleThreadScheduledExecutor();
    private int addresses;
    private int names;

    /**
     * @param images those that were loaded, by the names in the manifests
     * @param variables beside those of the manifests, by the names of the Deployments that are to be
     * @param account a folder of the files that a service account's token comes with
     */
    Node(
            ApiServer api,
            Podman podman,
            Manifests manifests,
            Map<String, String> images,
            Map<String, Map<String, String>> variables,
            Path account) {
        this.api = api;
        this.client = api.operator();
        this.podman = podman;
        this.manifests = manifests;
        this.images = images;
        this.variables = variables;
        this.account = account;
        loop.scheduleWithFixedDelay(this::lookOrRemember, 0, LOOK_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** Those that run, of the Deployment or the executors of that name. */
    List<String> pods(String application) {
        return client.pods().withLabel(NAME, application).list().getItems().stream()
                .filter(Node::isRunning)
                .map(pod -> pod.getMetadata().getName())
                .sorted()
                .toList();
    }

    /** Of all that has a container. */
    Set<String> names() {
        return running;
    }

    Pod pod(String name) {
        return client.pods().withName(name).get();
    }

    void delete(String name) {
        client.pods().withName(name).delete();
    }

    synchronized List<Throwable> failures() {
        return List.copyOf(failures);
    }

    private static boolean isRunning(Pod pod) {
        return !pod.isMarkedForDeletion()
                && pod.getStatus() != null
                && "Running".equals(pod.getStatus().getPhase());
    }

    private static String application(Pod pod) {
        return pod.getMetadata().getLabels().getOrDefault(NAME, "");
    }

    private void lookOrRemember() {
        try {
            look();
        } catch (Exception | AssertionError e) {
            synchronized (this) {
                failures.add(e);
            }
        }
    }

    private void look() throws IOException, InterruptedException {
        Map<String, Pod> wanted = client.pods().list().getItems().stream()
                .collect(Collectors.toMap(pod -> pod.getMetadata().getName(), pod -> pod));
        for (Pod pod : wanted.values()) {
            String name = pod.getMetadata().getName();
            if (pod.isMarkedForDeletion()) {
                podman.remove(name, grace(pod));
                client.pods().withName(name).edit(each -> {
                    each.getMetadata().setFinalizers(List.of());
                    return each;
                });
                running.remove(name);
            } else if (isOrphan(pod, wanted)) {
                client.pods().withName(name).delete();
            } else if (!running.contains(name)) {
                start(pod);
            } else if (isRunning(pod) && !podman.isRunning(name)) {
                ended(pod);
            }
        }
        for (String deployment : variables.keySet()) {
            if (wanted.values().stream().noneMatch(pod -> application(pod).equals(deployment))) {
                PodTemplateSpec template = manifests.pods().get(deployment);
                client.pods()
                        .resource(new PodBuilder()
                                .withMetadata(template.getMetadata())
                                .editMetadata()
                                .withName(deployment + "-" + ++names)
                                .endMetadata()
                                .withSpec(template.getSpec())
                                .build())
                        .create();
            }
        }
    }

    /** In seconds. */
    private static long grace(Pod pod) {
        return Objects.requireNonNullElse(pod.getSpec().getTerminationGracePeriodSeconds(), USUAL_GRACE_SECONDS);
    }

    private static boolean isOrphan(Pod pod, Map<String, Pod> pods) {
        List<OwnerReference> owners = pod.getMetadata().getOwnerReferences();
        return !owners.isEmpty()
                && owners.stream().noneMatch(owner -> Optional.ofNullable(pods.get(owner.getName()))
                        .filter(each -> each.getMetadata().getUid().equals(owner.getUid()))
                        .isPresent());
    }

    private void start(Pod pod) throws IOException, InterruptedException {
        String name = pod.getMetadata().getName();
        Container container = pod.getSpec().getContainers().get(0);
        String address = "127.0.1." + ++addresses;
        Map<String, String> environment = new HashMap<>(variables.getOrDefault(application(pod), Map.of()));
        for (EnvVar variable : container.getEnv()) {
            EnvVarSource from = variable.getValueFrom();
            if (from != null) {
                environment.put(
                        variable.getName(),
                        from.getFieldRef() == null
                                ? secret(from.getSecretKeyRef())
                                : switch (from.getFieldRef().getFieldPath()) {
                                    case "metadata.name" -> name;
                                    case "metadata.namespace" -> ApiServer.NAMESPACE;
                                    case "status.podIP" -> address;
                                    default -> throw new AssertionError(variable);
                                });
            }
        }
        List<String> options = new ArrayList<>();
        if (Boolean.TRUE.equals(pod.getSpec().getAutomountServiceAccountToken())) {
            options.add("--volume=" + account + ":/var/run/secrets/kubernetes.io/serviceaccount:ro");
        }
        environment.put("KUBERNETES_SERVICE_HOST", "localhost");
        environment.put("KUBERNETES_SERVICE_PORT", Integer.toString(api.port()));
        // the stand-in's certificate has its name where clients no longer look for it
        environment.put("KUBERNETES_DISABLE_HOSTNAME_VERIFICATION", "true");
        client.pods().withName(name).edit(each -> {
            each.getMetadata().setFinalizers(List.of(NODE));
            return each;
        });
        podman.start(name, images.get(container.getImage()), manifests, pod.getSpec(), environment, options);
        running.add(name);
        report(
                name,
                new PodStatusBuilder()
                        .withPhase("Running")
                        .withPodIP(address)
                        .withContainerStatuses(new ContainerStatusBuilder()
                                .withName(container.getName())
                                .withNewState()
                                .withNewRunning()
                                .endRunning()
                                .endState()
                                .build())
                        .build());
    }

    /** Whatever it is of: nobody here looks at it. */
    private static String secret(SecretKeySelector of) {
        return of.getName() + "/" + of.getKey();
    }

    private void ended(Pod pod) throws IOException, InterruptedException {
        String name = pod.getMetadata().getName();
        if ("Never".equals(pod.getSpec().getRestartPolicy())) {
            int status = podman.status(name);
            report(
                    name,
                    new PodStatusBuilder(pod.getStatus())
                            .withPhase(status == 0 ? "Succeeded" : "Failed")
                            .withContainerStatuses(new ContainerStatusBuilder()
                                    .withName(
                                            pod.getSpec().getContainers().get(0).getName())
                                    .withNewState()
                                    .withNewTerminated()
                                    .withExitCode(status)
                                    .endTerminated()
                                    .endState()
                                    .build())
                            .build());
        } else {
            podman.run("start", name).orFail();
        }
    }

    private void report(String name, PodStatus status) {
        client.pods().withName(name).editStatus(pod -> {
            pod.setStatus(status);
            return pod;
        });
    }

    @Override
    public void close() throws InterruptedException {
        loop.shutdown();
        loop.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS);
        client.close();
    }

    /** Files of a service account. */
    static Path account(Path folder, ApiServer api, String token) throws IOException {
        Path account = Files.createDirectories(folder.resolve("account"));
        Files.writeString(account.resolve("token"), token);
        Files.writeString(account.resolve("namespace"), ApiServer.NAMESPACE);
        Files.writeString(account.resolve("ca.crt"), Files.readString(api.certificate()));
        return account;
    }
}
