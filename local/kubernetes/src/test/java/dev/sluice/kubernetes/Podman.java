package dev.sluice.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/** Containers of Debian's podman on runc, started as a manifest says, on this machine's own network. */
final class Podman implements AutoCloseable {
    private static final String CONFIGURATION = """
            [engine]
            runtime = "runc"
            cgroup_manager = "cgroupfs"
            events_logger = "file"
            [containers]
            default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
            """;

    private final Path folder;
    private final Path configuration;
    private final List<String> started = new CopyOnWriteArrayList<>();

    Podman(Path folder) throws IOException {
        this.folder = folder;
        this.configuration = Files.writeString(folder.resolve("containers.conf"), CONFIGURATION);
    }

    /** What a command said, and how it ended. */
    record Result(int status, String output) {
        String orFail() {
            assertThat(status).as(output).isZero();
            return output;
        }
    }

    Result run(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("podman"));
        command.addAll(List.of(arguments));
        Path log = Files.createTempFile(folder, "podman", ".log");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        builder.environment().put("CONTAINERS_CONF", configuration.toString());
        Process podman = builder.start();
        assertThat(podman.waitFor(5, TimeUnit.MINUTES))
                .as(String.join(" ", command))
                .isTrue();
        return new Result(podman.exitValue(), Files.readString(log, StandardCharsets.UTF_8));
    }

    /** The name of the image that the file holds. */
    String load(Path tar) throws IOException, InterruptedException {
        String said = run("load", "-q", "-i", tar.toString()).orFail();
        return said.strip().replaceAll("(?s).*Loaded image: ", "");
    }

    /** A copy of a file of an image. */
    Path file(String image, String path) throws IOException, InterruptedException {
        String container = run("create", image).orFail().strip();
        started.add(container);
        Path copy = folder.resolve(Path.of(path).getFileName());
        run("cp", container + ":" + path, copy.toString()).orFail();
        return copy;
    }

    /**
     * Starts the one container of a pod.
     *
     * @param image in the place of the manifest's
     * @param variables beside those of the manifest, or in their place
     * @param options of {@code podman run}
     */
    void start(
            String name,
            String image,
            Manifests manifests,
            PodSpec pod,
            Map<String, String> variables,
            List<String> options)
            throws IOException, InterruptedException {
        Container container = pod.getContainers().get(0);
        PodSecurityContext user = pod.getSecurityContext();
        String memory = Quantity.getAmountInBytes(
                        container.getResources().getLimits().get("memory"))
                .toBigInteger()
                .toString();
        List<String> arguments = new ArrayList<>(List.of(
                "run",
                "--detach",
                "--name=" + name,
                "--network=host",
                "--read-only",
                "--read-only-tmpfs=false",
                "--user=" + user.getRunAsUser() + ":" + user.getRunAsGroup(),
                "--memory=" + memory,
                "--memory-swap=" + memory,
                "--cap-drop=all",
                "--security-opt=no-new-privileges"));
        arguments.addAll(options);
        Map<String, String> environment = new HashMap<>(manifests.environment(container));
        environment.putAll(variables);
        environment.forEach((variable, value) -> arguments.add("--env=" + variable + "=" + value));
        for (VolumeMount mount : container.getVolumeMounts()) {
            arguments.add(mount(manifests, pod, mount));
        }
        if (!container.getCommand().isEmpty()) {
            arguments.add("--entrypoint=" + container.getCommand().get(0));
        }
        arguments.add(image);
        container.getArgs().forEach(argument -> arguments.add(expanded(argument, environment)));
        run(arguments.toArray(String[]::new)).orFail();
        started.add(name);
    }

    private static String expanded(String argument, Map<String, String> environment) {
        String text = argument;
        for (Map.Entry<String, String> variable : environment.entrySet()) {
            text = text.replace("$(" + variable.getKey() + ")", variable.getValue());
        }
        return text;
    }

    private String mount(Manifests manifests, PodSpec pod, VolumeMount mount) throws IOException {
        Volume volume = pod.getVolumes().stream()
                .filter(each -> each.getName().equals(mount.getName()))
                .findFirst()
                .orElseThrow();
        if (volume.getEmptyDir() != null) {
            Quantity limit = volume.getEmptyDir().getSizeLimit();
            return "--tmpfs=" + mount.getMountPath() + ":rw,mode=1777"
                    + (limit == null ? "" : ",size=" + Quantity.getAmountInBytes(limit));
        }
        if (volume.getConfigMap() == null) {
            return "--volume=" + claim(volume.getPersistentVolumeClaim().getClaimName()) + ":" + mount.getMountPath();
        }
        Path there = writable(Files.createTempDirectory(folder, volume.getName()));
        ConfigMap map = manifests.named(ConfigMap.class, volume.getConfigMap().getName());
        for (Map.Entry<String, String> file : map.getData().entrySet()) {
            Path written = Files.writeString(there.resolve(file.getKey()), file.getValue());
            Files.setPosixFilePermissions(written, PosixFilePermissions.fromString("rw-r--r--"));
        }
        return "--volume=" + there + ":" + mount.getMountPath() + ":ro";
    }

    /** The folder that stands in for a claim, of all pods that have it. */
    private Path claim(String name) throws IOException {
        return writable(Files.createDirectories(folder.resolve("claim-" + name)));
    }

    private static Path writable(Path there) throws IOException {
        return Files.setPosixFilePermissions(there, PosixFilePermissions.fromString("rwxrwxrwx"));
    }

    boolean isRunning(String name) throws IOException, InterruptedException {
        return run("inspect", "--format={{.State.Running}}", name)
                .orFail()
                .strip()
                .equals("true");
    }

    String logs(String name) throws IOException, InterruptedException {
        return run("logs", name).orFail();
    }

    /**
     * SIGTERM, and SIGKILL after so long.
     *
     * @return the status that it ended with: 137 after SIGKILL
     */
    int stop(String name, long seconds) throws IOException, InterruptedException {
        run("stop", "--time=" + seconds, name).orFail();
        return status(name);
    }

    int status(String name) throws IOException, InterruptedException {
        return Integer.parseInt(
                run("inspect", "--format={{.State.ExitCode}}", name).orFail().strip());
    }

    void kill(String name) throws IOException, InterruptedException {
        run("kill", "--signal=KILL", name).orFail();
    }

    /** SIGTERM, SIGKILL after so long, and the container is gone. */
    void remove(String name, long seconds) throws IOException, InterruptedException {
        run("rm", "--force", "--time=" + seconds, name).orFail();
        started.remove(name);
    }

    @Override
    public void close() throws IOException, InterruptedException {
        for (String name : started) {
            run("rm", "--force", "--time=0", name);
        }
    }
}
