package dev.sluice.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.events.RealBroker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The SBOMs against what is shipped, and its licences against those that are allowed. */
class SbomIT {
    /** SPDX's names, and those of the POMs for what has none. Where a library may be had under several, one of them is enough. */
    private static final Set<String> ALLOWED = Set.of(
            "Apache-1.1",
            "Apache-2.0",
            "BSD-2-Clause",
            "BSD-3-Clause",
            "CC0-1.0",
            "CDDL-1.0",
            "EPL-1.0",
            "EPL-2.0",
            "MIT",
            "Public Domain");

    /** What the project or the jar itself says, of this version, where the POM has no name or one that is misread. */
    private static final Map<String, String> LOOKED_UP = Map.of(
            "com.thoughtworks.paranamer:paranamer:2.8", "BSD-3-Clause",
            "org.antlr:antlr4-runtime:4.9.3", "BSD-3-Clause",
            "org.apache.xbean:xbean-asm9-shaded:4.23", "Apache-2.0",
            "oro:oro:2.0.8", "Apache-1.1");

    private static final Path HOME = RealBroker.home();
    private static final Path GATEWAY = HOME.resolve("gateway/target");
    private static final Path STREAMING = HOME.resolve("streaming/target");
    private static final String STALE = "the SBOM against the jars; make clean takes away those of an earlier build";
    private static final Pattern CLASSIFIER = Pattern.compile("[?&]classifier=([^&]+)");

    /** CycloneDX calls optional what is not installed. */
    private record Component(String coordinates, String file, String sha256, boolean isShipped, Set<String> licences) {
        static Component of(JsonNode json) {
            Matcher classifier = CLASSIFIER.matcher(json.get("purl").asText());
            String artifact =
                    json.get("name").asText() + "-" + json.get("version").asText();
            return new Component(
                    Stream.of("group", "name", "version")
                            .map(part -> json.get(part).asText())
                            .collect(Collectors.joining(":")),
                    artifact + (classifier.find() ? "-" + classifier.group(1) : "") + ".jar",
                    values(json, "hashes")
                            .filter(hash -> hash.get("alg").asText().equals("SHA-256"))
                            .map(hash -> hash.get("content").asText())
                            .collect(Collectors.joining()),
                    json.get("scope").asText().equals("required"),
                    values(json, "licenses").map(Component::licence).collect(Collectors.toCollection(TreeSet::new)));
        }

        private static Stream<JsonNode> values(JsonNode json, String field) {
            return json.path(field).valueStream();
        }

        private static String licence(JsonNode json) {
            JsonNode licence = json.path("license");
            return Stream.of(json.path("expression"), licence.path("id"), licence.path("name"))
                    .filter(JsonNode::isTextual)
                    .findFirst()
                    .orElseThrow()
                    .asText();
        }

        boolean isAllowed() {
            String lookedUp = LOOKED_UP.get(coordinates);
            return lookedUp == null ? licences.stream().anyMatch(ALLOWED::contains) : ALLOWED.contains(lookedUp);
        }
    }

    @Test
    void sbomOfTheGateway_namesWhatIsShipped() throws Exception {
        assertThat(shipped("gateway")).as(STALE).containsExactlyInAnyOrderEntriesOf(jars(GATEWAY.resolve("lib")));
    }

    @Test
    void sbomOfStreaming_namesWhatIsShipped() throws Exception {
        assertThat(shipped("streaming"))
                .as(STALE)
                .containsExactlyInAnyOrderEntriesOf(
                        jars(STREAMING.resolve("spark"), STREAMING.resolve("lake"), STREAMING.resolve("inside")));
    }

    /** So that what is inside is what the former test takes for it. */
    @Test
    void jarOfStreaming_holdsItsOwnClassesAndThoseOfWhatIsInside() throws Exception {
        Set<String> parts = classes(STREAMING.resolve("original-sluice-streaming.jar"));
        for (Path jar : files(STREAMING.resolve("inside"))) {
            parts.addAll(classes(jar));
        }
        assertThat(classes(STREAMING.resolve("sluice-streaming.jar"))).isEqualTo(parts);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gateway", "streaming"})
    void licences_areAllowed(String module) throws Exception {
        List<String> refused = components(module).stream()
                .filter(component -> component.isShipped() && !component.isAllowed())
                .map(component -> component.coordinates() + ", licence: "
                        + (component.licences().isEmpty() ? "none known" : String.join(" or ", component.licences())))
                .toList();
        assertThat(refused)
                .as(
                        "Libraries that %s ships, of licences that are not on the list of SbomIT. Do without the library; or, where"
                                + " Sluice may be shipped with it, add the licence to ALLOWED; where its POM has none, or one that is"
                                + " misread, add the library to LOOKED_UP with the licence that its jar or project states",
                        module)
                .isEmpty();
    }

    private static List<Component> components(String module) throws IOException {
        Path sbom = HOME.resolve(module + "/target/sluice-" + module + ".cdx.json");
        assertThat(sbom).as("run make sbom").exists();
        return new ObjectMapper()
                .readTree(sbom.toFile())
                .get("components")
                .valueStream()
                .map(Component::of)
                .toList();
    }

    private static Map<String, String> shipped(String module) throws IOException {
        return components(module).stream()
                .filter(Component::isShipped)
                .collect(Collectors.toMap(Component::file, Component::sha256));
    }

    private static Map<String, String> jars(Path... folders) throws Exception {
        Map<String, String> jars = new TreeMap<>();
        for (Path folder : folders) {
            for (Path jar : files(folder)) {
                jars.put(jar.getFileName().toString(), sha256(jar));
            }
        }
        return jars;
    }

    private static String sha256(Path file) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
    }

    private static Set<String> classes(Path jar) throws IOException {
        try (JarFile file = new JarFile(jar.toFile())) {
            return file.stream()
                    .map(JarEntry::getName)
                    .filter(name -> name.endsWith(".class"))
                    .filter(name -> !name.startsWith("META-INF/") && !name.equals("module-info.class"))
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }
}
