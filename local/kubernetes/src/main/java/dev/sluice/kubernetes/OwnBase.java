package dev.sluice.kubernetes;

import com.google.cloud.tools.jib.api.buildplan.AbsoluteUnixPath;
import com.google.cloud.tools.jib.api.buildplan.FileEntriesLayer;
import com.google.cloud.tools.jib.api.buildplan.FilePermissions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A base that needs no registry: Java of the JDK that this runs on, cut down by jlink to what is used, and the libraries of this
 * machine's system that it links to. No shell, no package manager.
 */
record OwnBase(Path folder) {
    /** Where the usual images have theirs. */
    static final String JAVA = "/opt/java/openjdk";

    /** Of gateway and streaming together; what they ask for at run time is not in their class files. */
    private static final List<String> MODULES = List.of(
            "java.se",
            "jdk.crypto.ec",
            "jdk.httpserver",
            "jdk.management",
            "jdk.naming.dns",
            "jdk.net",
            "jdk.security.auth",
            "jdk.unsupported",
            "jdk.zipfs");

    /** Parts of the C library, which the libraries of compression and of Netty's transport name and Java's do not. */
    private static final List<String> BESIDE_C = List.of("libdl.so.2", "libpthread.so.0", "librt.so.1");

    private static final String C = "libc.so.6";
    private static final Pattern LIBRARY = Pattern.compile("(/\\S+) \\(0x");
    private static final String USERS = """
            root:x:0:0:root:/root:/sbin/nologin
            spark:x:185:0:spark:/tmp:/sbin/nologin
            sluice:x:65532:65532:sluice:/tmp:/sbin/nologin
            """;
    private static final FilePermissions EXECUTABLE = FilePermissions.fromOctalString("755");
    private static final FilePermissions READABLE = FilePermissions.fromOctalString("644");
    private static final FilePermissions OF_ALL = FilePermissions.fromOctalString("777");

    /** The command of the JVM of the image, on this machine. */
    Path java() {
        return home().resolve("bin/java");
    }

    private Path home() {
        return folder.resolve("java");
    }

    /** Makes what is not there yet. */
    void make() throws IOException, InterruptedException {
        if (!Files.exists(java())) {
            Files.createDirectories(folder);
            int status = ToolProvider.findFirst("jlink")
                    .orElseThrow(() -> new IOException("This Java has no jlink: it takes a JDK"))
                    .run(
                            System.out,
                            System.err,
                            "--add-modules",
                            String.join(",", MODULES),
                            "--strip-debug",
                            "--no-header-files",
                            "--no-man-pages",
                            "--compress=2",
                            "--output",
                            home().toString());
            if (status != 0) {
                throw new IOException("jlink failed");
            }
            // the archive of Java's own classes, which a JDK comes with
            run(List.of(java().toString(), "-Xshare:dump"));
        }
    }

    List<FileEntriesLayer> layers() throws IOException, InterruptedException {
        Path users = folder.resolve("passwd");
        Files.writeString(users, USERS);
        FileEntriesLayer.Builder system = FileEntriesLayer.builder()
                .setName("system")
                .addEntry(users, AbsoluteUnixPath.get("/etc/passwd"), READABLE)
                .addEntry(Files.createDirectories(folder.resolve("tmp")), AbsoluteUnixPath.get("/tmp"), OF_ALL);
        for (String library : libraries()) {
            system.addEntry(Path.of(library).toRealPath(), AbsoluteUnixPath.get(library), EXECUTABLE);
        }
        FileEntriesLayer.Builder java = FileEntriesLayer.builder().setName("java");
        try (Stream<Path> files = Files.walk(home())) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                java.addEntry(
                        file,
                        AbsoluteUnixPath.get(JAVA)
                                .resolve(home().relativize(file).toString()),
                        Files.isExecutable(file) ? EXECUTABLE : READABLE);
            }
        }
        return List.of(system.build(), java.build());
    }

    /** Those of the system that Java's link to, by the paths that the loader looks for. */
    private Set<String> libraries() throws IOException, InterruptedException {
        List<Path> binaries;
        try (Stream<Path> files = Files.walk(home())) {
            binaries = files.filter(
                            file -> file.equals(java()) || file.toString().endsWith(".so"))
                    .toList();
        }
        List<String> command = Stream.concat(Stream.of("ldd"), binaries.stream().map(Path::toString))
                .toList();
        Matcher library = LIBRARY.matcher(run(command));
        Set<String> found = new TreeSet<>();
        while (library.find()) {
            Path path = Path.of(library.group(1));
            found.add(path.toString());
            if (path.endsWith(C)) {
                BESIDE_C.stream()
                        .map(path::resolveSibling)
                        .filter(Files::exists)
                        .forEach(part -> found.add(part.toString()));
            }
        }
        return found.stream()
                .filter(each -> !each.startsWith(home().toString()))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static String run(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + " failed:\n" + output);
        }
        return output;
    }
}
