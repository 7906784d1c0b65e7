package dev.sluice.kubernetes;

import com.google.cloud.tools.jib.api.CacheDirectoryCreationException;
import com.google.cloud.tools.jib.api.Containerizer;
import com.google.cloud.tools.jib.api.ImageReference;
import com.google.cloud.tools.jib.api.InvalidImageReferenceException;
import com.google.cloud.tools.jib.api.Jib;
import com.google.cloud.tools.jib.api.JibContainerBuilder;
import com.google.cloud.tools.jib.api.LogEvent;
import com.google.cloud.tools.jib.api.RegistryException;
import com.google.cloud.tools.jib.api.RegistryImage;
import com.google.cloud.tools.jib.api.TarImage;
import com.google.cloud.tools.jib.api.buildplan.AbsoluteUnixPath;
import com.google.cloud.tools.jib.api.buildplan.FileEntriesLayer;
import com.google.cloud.tools.jib.api.buildplan.Platform;
import com.google.cloud.tools.jib.api.buildplan.Port;
import com.google.cloud.tools.jib.frontend.CredentialRetrieverFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * {@code make images}: gateway and streaming, as tar files or into a registry. The same artifacts give the same bytes, but for
 * the archive of classes: files carry the first second of 1970, and images that date.
 *
 * <p>Variables: {@code BASE=own} for {@link OwnBase}, or else {@code GATEWAY_BASE} and {@code STREAMING_BASE}, from a registry;
 * {@code REGISTRY} to push to, {@code registry.example/team}; {@code TAG}.
 */
public final class Images {
    static final String JAVA = OwnBase.JAVA + "/bin/java";
    private static final String GATEWAY_BASE = "eclipse-temurin:17-jre-jammy";
    private static final String STREAMING_BASE = "apache/spark:3.5.7-scala2.12-java17-ubuntu";

    /** What Spark's image has not: of {@code streaming/target/spark}, what {@code --packages} would fetch for Kafka. */
    private static final List<String> BESIDE_SPARK =
            List.of("spark-sql-kafka-0-10", "spark-token-provider-kafka-0-10", "kafka-clients", "commons-pool2");

    /** Of {@code streaming/target/lake}, what a checkpoint in S3 needs as well: on Spark's class path, of driver and executors. */
    private static final String OF_S3 =
            "hadoop-aws|aws-java-sdk|jmespath|joda-time|wildfly-openssl|jackson-dataformat-cbor";

    private static final Set<Platform> PLATFORMS =
            Set.of(new Platform("amd64", "linux"), new Platform("arm64", "linux"));
    private static final Set<LogEvent.Level> TROUBLE = Set.of(LogEvent.Level.ERROR, LogEvent.Level.WARN);
    private static final FileTime FIRST_SECOND = FileTime.from(Instant.ofEpochSecond(1));
    private static final String SPARK_JARS = "/opt/spark/jars";
    private static final String MAIN = "dev.sluice.streaming.Main\n";

    private final Path home;
    private final Map<String, String> variables;
    private final Path out;
    private final OwnBase own;

    private Images(Path home, Map<String, String> variables) {
        this.home = home;
        this.variables = variables;
        this.out = home.resolve("local/kubernetes/target/images");
        this.own = new OwnBase(home.resolve("local/kubernetes/target/base"));
    }

    public static void main(String[] arguments) throws Exception {
        Images images = new Images(Path.of("").toAbsolutePath(), System.getenv());
        try {
            images.stage();
            images.build();
        } catch (ExecutionException | RegistryException | InvalidImageReferenceException | IOException e) {
            System.err.println("No images: " + reason(e));
            System.exit(1);
        }
        // threads of HTTP clients would hold it up
        System.exit(0);
    }

    private static String reason(Throwable failure) {
        Throwable cause = failure.getCause();
        return failure.getMessage() + (cause == null || cause == failure ? "" : ": " + reason(cause));
    }

    private boolean isOwn() {
        return "own".equals(variables.get("BASE"));
    }

    private Path stagedGateway() {
        return home.resolve("local/kubernetes/target/gateway");
    }

    /** The gateway's files, and an archive of its classes. */
    private void stage() throws Exception {
        Path app = stagedGateway();
        Files.createDirectories(app.resolve("lib"));
        Files.deleteIfExists(app.resolve("sluice-gateway.jsa"));
        for (Path stale : files(app.resolve("lib"))) {
            Files.delete(stale);
        }
        for (Path jar : files(home.resolve("gateway/target/lib"))) {
            copy(jar, app.resolve("lib"));
        }
        copy(home.resolve("gateway/target/sluice-gateway.jar"), app);
        if (isOwn()) {
            System.out.println("base: Java of this machine, cut down");
            own.make();
            System.out.println("sluice-gateway: running once, to note down its classes");
            archive(app);
        }
    }

    private static void copy(Path file, Path folder) throws IOException {
        Files.copy(
                file,
                folder.resolve(file.getFileName()),
                StandardCopyOption.REPLACE_EXISTING,
                StandardCopyOption.COPY_ATTRIBUTES);
    }

    /**
     * An archive knows the time of each jar, so that they have that of the image while it is written; and no longer, for Jib
     * takes a layer from its cache where the files have the names and times that they had.
     */
    private void archive(Path app) throws Exception {
        Map<Path, FileTime> times = new HashMap<>();
        for (Path jar : files(app.resolve("lib"))) {
            times.put(jar, Files.getLastModifiedTime(jar));
        }
        Path program = app.resolve("sluice-gateway.jar");
        times.put(program, Files.getLastModifiedTime(program));
        for (Path jar : times.keySet()) {
            Files.setLastModifiedTime(jar, FIRST_SECOND);
        }
        ClassArchive.write(own.java(), app);
        for (Map.Entry<Path, FileTime> jar : times.entrySet()) {
            Files.setLastModifiedTime(jar.getKey(), jar.getValue());
        }
    }

    private void build() throws Exception {
        Files.createDirectories(out);
        containerize("sluice-gateway", gateway());
        containerize("sluice-streaming", streaming());
    }

    private JibContainerBuilder gateway() throws Exception {
        Path app = stagedGateway();
        FileEntriesLayer.Builder program = FileEntriesLayer.builder()
                .setName("gateway")
                .addEntry(app.resolve("sluice-gateway.jar"), AbsoluteUnixPath.get("/app/sluice-gateway.jar"))
                .addEntry(sbom("gateway"), AbsoluteUnixPath.get("/app/sluice-gateway.cdx.json"));
        List<String> command = new ArrayList<>(List.of(JAVA));
        if (isOwn()) {
            program.addEntry(app.resolve("sluice-gateway.jsa"), AbsoluteUnixPath.get("/app/sluice-gateway.jsa"));
            command.add("-XX:SharedArchiveFile=sluice-gateway.jsa");
        }
        // half of the memory is heap; direct buffers, threads and the code of the JVM have the rest
        command.addAll(List.of(
                "-XX:MaxRAMPercentage=50",
                "-XX:+UseSerialGC",
                "-XX:+ExitOnOutOfMemoryError",
                "-jar",
                "sluice-gateway.jar"));
        return base("GATEWAY_BASE", GATEWAY_BASE)
                .addFileEntriesLayer(folder("libraries", app.resolve("lib"), "/app/lib", ""))
                .addFileEntriesLayer(program.build())
                .setWorkingDirectory(AbsoluteUnixPath.get("/app"))
                .setEntrypoint(command)
                .setExposedPorts(Set.of(Port.tcp(5000), Port.tcp(5001)))
                .setUser("65532")
                .addLabel("org.opencontainers.image.title", "Sluice gateway");
    }

    private JibContainerBuilder streaming() throws Exception {
        Path jar = home.resolve("streaming/target/sluice-streaming.jar");
        Path lake = home.resolve("streaming/target/lake");
        String opens = opens(jar);
        Path submit = Files.writeString(
                out.resolve("submit.arguments"),
                opens + "-cp\n/opt/spark/conf:" + SPARK_JARS + "/*\norg.apache.spark.deploy.SparkSubmit\n--class\n"
                        + MAIN);
        Path offload = Files.writeString(
                out.resolve("lake.arguments"), opens + "-cp\n" + SPARK_JARS + "/*:/opt/sluice/lake/*\n" + MAIN);
        // Spark's entry point stays: executors of a cluster start by it
        return base("STREAMING_BASE", STREAMING_BASE)
                .addFileEntriesLayer(folder(
                        "spark",
                        home.resolve("streaming/target/spark"),
                        SPARK_JARS,
                        isOwn() ? "" : String.join("|", BESIDE_SPARK)))
                .addFileEntriesLayer(folder("s3", lake, SPARK_JARS, OF_S3))
                .addFileEntriesLayer(folder("lake", lake, "/opt/sluice/lake", "(?!" + OF_S3 + ")"))
                .addFileEntriesLayer(FileEntriesLayer.builder()
                        .setName("streaming")
                        .addEntry(jar, AbsoluteUnixPath.get(SPARK_JARS + "/sluice-streaming.jar"))
                        .addEntry(sbom("streaming"), AbsoluteUnixPath.get("/opt/sluice/sluice-streaming.cdx.json"))
                        .addEntry(submit, AbsoluteUnixPath.get("/opt/sluice/submit.arguments"))
                        .addEntry(offload, AbsoluteUnixPath.get("/opt/sluice/lake.arguments"))
                        .build())
                .setWorkingDirectory(AbsoluteUnixPath.get("/tmp"))
                .setProgramArguments(
                        JAVA,
                        "-XX:MaxRAMPercentage=50",
                        "@/opt/sluice/submit.arguments",
                        "local://" + SPARK_JARS + "/sluice-streaming.jar")
                .setExposedPorts(Set.of(Port.tcp(5002)))
                .setUser("185")
                .addLabel("org.opencontainers.image.title", "Sluice streaming");
    }

    /** In the image as well, where scanners look for files of this ending. */
    private Path sbom(String module) {
        return home.resolve(module + "/target/sluice-" + module + ".cdx.json");
    }

    /** Arguments of a JVM: what Spark needs opened of the JDK, as the jar says it. */
    private static String opens(Path jar) throws IOException {
        try (JarFile streaming = new JarFile(jar.toFile())) {
            String opens = streaming.getManifest().getMainAttributes().getValue("Add-Opens");
            return Stream.of(opens.split(" "))
                    .map(opened -> "--add-opens=" + opened + "=ALL-UNNAMED\n")
                    .collect(Collectors.joining("", "", "-XX:+UseSerialGC\n-XX:+ExitOnOutOfMemoryError\n"));
        }
    }

    /** @param only a pattern of the beginnings of the names of those that are taken; all where it is empty */
    private static FileEntriesLayer folder(String name, Path from, String to, String only) throws IOException {
        FileEntriesLayer.Builder layer = FileEntriesLayer.builder().setName(name);
        for (Path file : files(from)) {
            String jar = file.getFileName().toString();
            if (jar.matches("(" + only + ").*")) {
                layer.addEntry(file, AbsoluteUnixPath.get(to).resolve(jar));
            }
        }
        return layer.build();
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }

    private JibContainerBuilder base(String variable, String fallback) throws Exception {
        JibContainerBuilder image;
        if (isOwn()) {
            image = Jib.fromScratch().setPlatforms(Set.of(new Platform(architecture(), "linux")));
            for (FileEntriesLayer layer : own.layers()) {
                image.addFileEntriesLayer(layer);
            }
        } else {
            ImageReference base = ImageReference.parse(variables.getOrDefault(variable, fallback));
            CredentialRetrieverFactory credentials = CredentialRetrieverFactory.forImage(base, Images::log);
            image = Jib.from(RegistryImage.named(base).addCredentialRetriever(credentials.dockerConfig()));
            if (variables.containsKey("REGISTRY")) {
                image.setPlatforms(PLATFORMS);
            }
        }
        return image.setCreationTime(Instant.EPOCH)
                .addLabel("org.opencontainers.image.licenses", "Apache-2.0")
                .addLabel("org.opencontainers.image.version", tag());
    }

    private static String architecture() {
        return System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";
    }

    private String tag() {
        return variables.getOrDefault("TAG", "dev");
    }

    private void containerize(String name, JibContainerBuilder image)
            throws InvalidImageReferenceException, InterruptedException, RegistryException, IOException,
                    CacheDirectoryCreationException, ExecutionException {
        String registry = variables.get("REGISTRY");
        Containerizer to;
        String where;
        if (registry == null) {
            Path tar = out.resolve(name + ".tar");
            to = Containerizer.to(TarImage.at(tar).named(name + ":" + tag())).setOfflineMode(isOwn());
            where = home.relativize(tar) + ", " + name + ":" + tag();
        } else {
            ImageReference reference = ImageReference.parse(registry + "/" + name + ":" + tag());
            CredentialRetrieverFactory credentials = CredentialRetrieverFactory.forImage(reference, Images::log);
            to = Containerizer.to(RegistryImage.named(reference).addCredentialRetriever(credentials.dockerConfig()));
            where = reference.toString();
        }
        System.out.println(name + ": building");
        String digest = image.containerize(to.setToolName("sluice")
                        .setAllowInsecureRegistries(isHere(registry))
                        .addEventHandler(LogEvent.class, Images::log))
                .getDigest()
                .toString();
        System.out.println(name + ": " + where + ", " + digest);
    }

    /** A registry of this machine may do without TLS. */
    private static boolean isHere(@Nullable String registry) {
        return registry != null && registry.matches("(localhost|127\\.0\\.0\\.1)(:\\d+)?/.*");
    }

    private static void log(LogEvent event) {
        if (TROUBLE.contains(event.getLevel())) {
            System.err.println(event.getMessage());
        }
    }
}
