package dev.sluice.events;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A single node of Apache Cassandra, in a process of its own, as the local system and the tests start it. Small on purpose:
 * 256 MiB of heap, one token, small memtables and segments of the commit log.
 */
public final class RealCassandra implements AutoCloseable {
    /** As conf/jvm17-server.options of the release has them. */
    private static final List<String> MODULES = List.of(
            "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
            "--add-exports=java.management.rmi/com.sun.jmx.remote.internal.rmi=ALL-UNNAMED",
            "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED",
            "--add-exports=java.rmi/sun.rmi.server=ALL-UNNAMED",
            "--add-exports=java.rmi/sun.rmi.transport=ALL-UNNAMED",
            "--add-exports=java.rmi/sun.rmi.transport.tcp=ALL-UNNAMED",
            "--add-exports=java.sql/java.sql=ALL-UNNAMED",
            "--add-exports=java.base/java.lang.ref=ALL-UNNAMED",
            "--add-exports=java.base/java.lang.reflect=ALL-UNNAMED",
            "--add-exports=jdk.unsupported/sun.misc=ALL-UNNAMED",
            "--add-opens=java.base/java.lang.module=ALL-UNNAMED",
            "--add-opens=java.base/jdk.internal.loader=ALL-UNNAMED",
            "--add-opens=java.base/jdk.internal.ref=ALL-UNNAMED",
            "--add-opens=java.base/jdk.internal.reflect=ALL-UNNAMED",
            "--add-opens=java.base/jdk.internal.math=ALL-UNNAMED",
            "--add-opens=java.base/jdk.internal.module=ALL-UNNAMED",
            "--add-opens=java.base/jdk.internal.util.jar=ALL-UNNAMED",
            "--add-opens=jdk.management/com.sun.management.internal=ALL-UNNAMED",
            "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
            "--add-opens=java.base/java.io=ALL-UNNAMED",
            "--add-opens=java.base/java.nio=ALL-UNNAMED",
            "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
            "--add-opens=java.base/java.util=ALL-UNNAMED",
            "--add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED",
            "--add-opens=java.base/java.lang=ALL-UNNAMED",
            "--add-opens=java.base/java.math=ALL-UNNAMED",
            "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
            "--add-opens=java.base/java.net=ALL-UNNAMED");

    private static final List<String> JVM = List.of(
            "-Xmx256m",
            "-Xss256k",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Djava.awt.headless=true",
            "-Djdk.attach.allowAttachSelf=true",
            "-Dcassandra.skip_wait_for_gossip_to_settle=0",
            "-Dcassandra.ring_delay_ms=0",
            "-Dcassandra.superuser_setup_delay_ms=0",
            "-Dcassandra.jmx.local.port=0");

    private static final String LOGBACK = """
            <configuration>
              <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
                <encoder><pattern>%d{HH:mm:ss.SSS} %-5level [%thread] %logger{0} - %msg%n</pattern></encoder>
              </appender>
              <root level="INFO"><appender-ref ref="out" /></root>
            </configuration>
            """;

    private static final int START_SECONDS = 120;

    private final List<String> prefix;
    private final Path jars;
    private final Path folder;
    private final Path log;
    private final int port;
    private final int storagePort;
    private final String more;
    private final Process process;

    private RealCassandra(List<String> prefix, Path jars, Path folder, Path log, int port, int storagePort, String more)
            throws IOException {
        this.prefix = prefix;
        this.jars = jars;
        this.folder = folder;
        this.log = log;
        this.port = port;
        this.storagePort = storagePort;
        this.more = more;
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("cassandra.yaml"), yaml());
        Files.writeString(folder.resolve("logback.xml"), LOGBACK);
        process = start();
    }

    /** Starts on a free port with its data under {@code folder}, and waits until it takes connections. */
    public static RealCassandra start(Path folder) {
        return start(folder, "");
    }

    /** The same with more lines of cassandra.yaml. */
    public static RealCassandra start(Path folder, String more) {
        RealCassandra cassandra = launch(
                List.of(),
                jars(),
                folder,
                folder.resolve("cassandra.log"),
                RealBroker.freePort(),
                RealBroker.freePort(),
                more);
        cassandra.awaitPort();
        return cassandra;
    }

    /**
     * Starts without waiting.
     *
     * @param prefix goes before the {@code java} command
     * @param jars the folder of the class path
     * @param log where the output is appended
     * @param port of the native protocol
     */
    public static RealCassandra launch(List<String> prefix, Path jars, Path folder, Path log, int port) {
        return launch(prefix, jars, folder, log, port, RealBroker.freePort(), "");
    }

    private static RealCassandra launch(
            List<String> prefix, Path jars, Path folder, Path log, int port, int storagePort, String more) {
        try {
            return new RealCassandra(prefix, jars, folder, log, port, storagePort, more);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The class path as the build lays it out. */
    public static Path jars() {
        return RealBroker.home().resolve("local/cassandra/target/lib");
    }

    public String contactPoint() {
        return "localhost:" + port;
    }

    public int port() {
        return port;
    }

    public Process process() {
        return process;
    }

    /** Sends the process a signal by its name, {@code STOP} and {@code CONT} among them. */
    public void signal(String name) throws IOException, InterruptedException {
        Servers.signal(process, name);
    }

    /** SIGKILL, and waits until the process is gone. */
    public void kill() {
        Servers.kill(process);
    }

    /** The same data on the same port, in a new process. */
    public RealCassandra restart() {
        kill();
        RealCassandra again = launch(prefix, jars, folder, log, port, storagePort, more);
        again.awaitPort();
        return again;
    }

    /** Stops in order; by force after ten seconds. */
    @Override
    public void close() {
        Servers.stop(process);
    }

    private void awaitPort() {
        Servers.awaitPort(process, port, START_SECONDS, log);
    }

    private Process start() throws IOException {
        List<String> command = new ArrayList<>(prefix);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(JVM);
        command.addAll(MODULES);
        command.add("-Dcassandra.config=" + folder.resolve("cassandra.yaml").toUri());
        command.add("-Dlogback.configurationFile=" + folder.resolve("logback.xml"));
        command.add("-Dcassandra.storagedir=" + folder);
        command.add("-Dcassandra.logdir=" + folder);
        command.addAll(List.of("-cp", jars + "/*", "org.apache.cassandra.service.CassandraDaemon"));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
    }

    private String yaml() {
        return """
                cluster_name: sluice
                num_tokens: 1
                partitioner: org.apache.cassandra.dht.Murmur3Partitioner
                endpoint_snitch: SimpleSnitch
                seed_provider:
                  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
                    parameters:
                      - seeds: "127.0.0.1:%2$d"
                listen_address: 127.0.0.1
                storage_port: %2$d
                rpc_address: 127.0.0.1
                native_transport_port: %1$d
                data_file_directories: ["%3$s/data"]
                commitlog_directory: "%3$s/commitlog"
                saved_caches_directory: "%3$s/saved_caches"
                hints_directory: "%3$s/hints"
                commitlog_sync: periodic
                commitlog_sync_period: 1000ms
                commitlog_segment_size: 8MiB
                commitlog_total_space: 128MiB
                memtable_heap_space: 32MiB
                memtable_offheap_space: 32MiB
                networking_cache_size: 8MiB
                file_cache_size: 16MiB
                key_cache_size: 4MiB
                concurrent_compactors: 1
                concurrent_reads: 8
                concurrent_writes: 16
                auto_snapshot: false
                %4$s""".formatted(port, storagePort, folder, more);
    }
}
