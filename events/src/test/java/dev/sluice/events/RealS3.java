package dev.sluice.events;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A server that speaks S3 (Adobe's S3Mock), in a process of its own, with objects in files. It asks for no keys; clients
 * have to send some.
 */
public final class RealS3 implements AutoCloseable {
    /** There from the start. */
    public static final String BUCKET = "sluice";

    private static final int START_SECONDS = 60;

    private final Process process;
    private final Path log;
    private final int port;

    private RealS3(Process process, Path log, int port) {
        this.process = process;
        this.log = log;
        this.port = port;
    }

    /** Starts on a free port with its objects under {@code folder}, and waits until it takes connections. */
    public static RealS3 start(Path folder) throws IOException {
        Files.createDirectories(folder);
        Path jars = RealBroker.home().resolve("local/s3/target/lib");
        RealS3 s3 = launch(List.of(), jars, folder.resolve("objects"), folder.resolve("s3.log"), RealBroker.freePort());
        Servers.awaitPort(s3.process, s3.port, START_SECONDS, s3.log);
        return s3;
    }

    /**
     * Starts without waiting.
     *
     * @param prefix goes before the {@code java} command
     * @param jars the folder of the class path
     * @param log where the output is appended
     */
    public static RealS3 launch(List<String> prefix, Path jars, Path folder, Path log, int port) {
        List<String> command = new ArrayList<>(prefix);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dhttp.port=" + port,
                // of its TLS
                "-Dserver.port=0",
                "-Dserver.address=127.0.0.1",
                "-Dcom.adobe.testing.s3mock.store.root=" + folder,
                "-Dcom.adobe.testing.s3mock.store.retainFilesOnExit=true",
                "-Dcom.adobe.testing.s3mock.store.initialBuckets=" + BUCKET,
                "-cp",
                jars + "/*",
                "com.adobe.testing.s3mock.S3MockApplication"));
        try {
            Files.createDirectories(folder);
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .start();
            return new RealS3(process, log, port);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public String endpoint() {
        return "http://localhost:" + port;
    }

    public Process process() {
        return process;
    }

    /** Stops in order; by force after ten seconds. */
    @Override
    public void close() {
        Servers.stop(process);
    }
}
