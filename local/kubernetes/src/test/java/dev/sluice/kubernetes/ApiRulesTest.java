package dev.sluice.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.events.Programs;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServicePort;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.batch.v1.CronJob;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.kubernetes.api.model.rbac.RoleBinding;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an API server refuses and the types of its objects do not, as far as these manifests have it. */
class ApiRulesTest {
    private static final Pattern DNS_LABEL = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");

    @BeforeAll
    static void require() {
        Programs.require("kubectl");
    }

    @ParameterizedTest
    @ValueSource(strings = {"local", "local-store", "production"})
    void objects_areWithinTheRulesOfTheApi(String overlay) throws Exception {
        Manifests manifests = Manifests.render(overlay);
        assertThat(manifests.objects().stream()
                        .map(each -> each.getKind() + " " + each.getMetadata().getName()))
                .doesNotHaveDuplicates();
        for (HasMetadata object : manifests.objects()) {
            ObjectMeta meta = object.getMetadata();
            assertThat(meta.getName()).matches(DNS_LABEL);
            assertThat(meta.getNamespace()).isEqualTo(object instanceof Namespace ? null : "sluice");
            assertLabels(meta);
        }
        manifests.all(ConfigMap.class).forEach(map -> assertThat(map.getData().keySet())
                .allSatisfy(key -> assertThat(key).matches("[-._a-zA-Z0-9]{1,253}")));
        manifests.all(RoleBinding.class).forEach(binding -> assertThat(binding.getSubjects())
                .allSatisfy(subject -> assertThat(subject.getNamespace()).isEqualTo("sluice")));
        // a job's pods get a suffix of eleven
        manifests.all(CronJob.class).forEach(job -> assertThat(job.getMetadata().getName())
                .hasSizeLessThanOrEqualTo(52));
        manifests.all(StatefulSet.class).forEach(set -> assertThat(
                        manifests.has(Service.class, set.getSpec().getServiceName()))
                .isTrue());
        manifests
                .all(Service.class)
                .forEach(service -> assertNamed(service.getSpec().getPorts(), ServicePort::getName));
        manifests.all(PodDisruptionBudget.class).forEach(budget -> assertThat(
                        budget.getSpec().getMinAvailable() == null)
                .isNotEqualTo(budget.getSpec().getMaxUnavailable() == null));
        manifests.all(HorizontalPodAutoscaler.class).forEach(scaler -> assertThat(
                        scaler.getSpec().getMinReplicas())
                .isBetween(1, scaler.getSpec().getMaxReplicas()));
        manifests.pods().forEach((owner, pod) -> {
            assertLabels(pod.getMetadata());
            boolean ends = manifests.has(CronJob.class, owner) || manifests.has(Job.class, owner);
            assertThat(pod.getSpec().getRestartPolicy())
                    .as(owner)
                    .isIn(ends ? List.of("Never", "OnFailure") : Arrays.asList("Always", null));
            assertThat(pod.getSpec().getVolumes().stream().map(Volume::getName))
                    .as(owner)
                    .doesNotHaveDuplicates()
                    .allMatch(DNS_LABEL.asMatchPredicate());
            pod.getSpec().getContainers().forEach(container -> {
                assertThat(container.getName()).matches(DNS_LABEL);
                assertNamed(container.getPorts(), ContainerPort::getName);
                assertThat(container.getVolumeMounts().stream().map(VolumeMount::getMountPath))
                        .as(owner)
                        .doesNotHaveDuplicates();
                assertThat(container.getEnv().stream().map(EnvVar::getName))
                        .as(owner)
                        .doesNotHaveDuplicates();
                Stream.of(container.getStartupProbe(), container.getLivenessProbe())
                        .filter(Objects::nonNull)
                        .forEach(
                                probe -> assertThat(probe.getSuccessThreshold()).isIn(null, 1));
            });
        });
    }

    private static void assertLabels(ObjectMeta meta) {
        Objects.requireNonNullElse(meta.getLabels(), Map.<String, String>of())
                .values()
                .forEach(value -> assertThat(value).matches("([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?"));
    }

    private static <T> void assertNamed(List<T> ports, Function<T, String> name) {
        assertThat(ports.stream().map(name))
                .doesNotHaveDuplicates()
                .allMatch(each -> each.length() <= 15 && DNS_LABEL.matcher(each).matches());
    }
}
