package dev.sluice.local;

import dev.sluice.settings.Environment;
import dev.sluice.settings.KafkaAddress;
import dev.sluice.settings.Setting;
import dev.sluice.settings.Topics;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.AdminClientConfig;

/**
 * What the local system is started with.
 *
 * @param ownBroker whether a broker is started; otherwise there is one at {@code bootstrapServers}
 * @param login how to be let in by that one, as the gateway is
 * @param home the folder of the project
 * @param data what is kept between runs
 */
record Settings(
        int httpPort,
        int managementPort,
        int streamingPort,
        int kafkaPort,
        boolean ownBroker,
        String bootstrapServers,
        Map<String, String> login,
        Set<String> topics,
        String countsTopic,
        boolean fresh,
        Store store,
        int cassandraPort,
        S3 s3,
        int s3Port,
        Path home,
        Path data) {

    /** What keeps the counts. */
    enum Store {
        NONE,
        CASSANDRA
    }

    /** Where {@code make offload} may move counts to. */
    enum S3 {
        NONE,
        LOCAL
    }

    static final Setting<Integer> HTTP_PORT = Setting.port("HTTP_PORT", "5000", "port that takes events");
    static final Setting<Integer> MANAGEMENT_PORT =
            Setting.port("MANAGEMENT_PORT", "5001", "port of health and metrics");
    static final Setting<Integer> STREAMING_PORT =
            Setting.port("STREAMING_PORT", "5002", "port of streaming's health and metrics");
    static final Setting<Integer> FRESH =
            Setting.integer("FRESH", "0", "`1` forgets what earlier runs stored and counted", 0, 1);

    static final Setting<Store> STORE = Setting.choice(
            Store.class, "STORE", Store.NONE, "`cassandra` starts a real one, and counts are kept there as well");
    static final Setting<Integer> CASSANDRA_PORT =
            Setting.port("CASSANDRA_PORT", "9042", "port of the Cassandra that `STORE=cassandra` starts");

    static final Setting<S3> S3_SERVER = Setting.choice(
            S3.class, "S3", S3.NONE, "`local` starts a server that speaks S3, for `make offload` to move counts to");
    static final Setting<Integer> S3_PORT =
            Setting.port("S3_PORT", "9090", "port of the server that `S3=local` starts");

    static final List<Setting<?>> OWN = List.of(FRESH, STORE, CASSANDRA_PORT, S3_SERVER, S3_PORT);

    private static final List<String> ARTIFACTS = List.of(
            "gateway/target/sluice-gateway.jar",
            "streaming/target/sluice-streaming.jar",
            "events/target/broker",
            "local/cassandra/target/lib",
            "local/s3/target/lib");

    static Settings read(Environment environment, Path home) {
        int httpPort = environment.get(HTTP_PORT);
        int kafkaPort = environment.get(KafkaAddress.PORT);
        boolean ownBroker = !environment.isSet(KafkaAddress.HOST) && !environment.isSet(KafkaAddress.BOOTSTRAP_SERVERS);
        Path folder = home.resolve(".sluice").resolve(Integer.toString(httpPort));
        Settings settings = new Settings(
                httpPort,
                environment.get(MANAGEMENT_PORT),
                environment.get(STREAMING_PORT),
                kafkaPort,
                ownBroker,
                KafkaAddress.read(environment),
                ownBroker ? Map.of() : login(environment),
                topics(environment),
                Topics.read(environment).counts(environment),
                environment.get(FRESH) == 1,
                environment.get(STORE),
                environment.get(CASSANDRA_PORT),
                environment.get(S3_SERVER),
                environment.get(S3_PORT),
                home,
                // another broker has other offsets: a checkpoint goes with its broker
                folder.resolve(ownBroker ? "own" : "external"));
        settings.checkPorts(environment);
        settings.checkArtifacts(environment);
        environment.check();
        return settings;
    }

    private static Map<String, String> login(Environment environment) {
        Map<String, String> login = environment.properties("KAFKA_PRODUCER_", AdminClientConfig.configNames());
        login.keySet().retainAll(AdminClientConfig.configNames());
        return Map.copyOf(login);
    }

    private static Set<String> topics(Environment environment) {
        Topics topics = Topics.read(environment);
        Set<String> all = topics.all();
        topics.deadLetters(environment).ifPresent(all::add);
        return all;
    }

    Path log(String process) {
        return data.resolve("logs").resolve(process + ".log");
    }

    private void checkPorts(Environment environment) {
        if (Set.copyOf(List.of(httpPort, managementPort, streamingPort)).size() < 3) {
            environment.problem("HTTP_PORT=" + httpPort + ", MANAGEMENT_PORT=" + managementPort + " and STREAMING_PORT="
                    + streamingPort + " have one in common: give each its own");
        }
        checkPort(environment, HTTP_PORT, httpPort);
        checkPort(environment, MANAGEMENT_PORT, managementPort);
        checkPort(environment, STREAMING_PORT, streamingPort);
        if (ownBroker) {
            checkPort(environment, KafkaAddress.PORT, kafkaPort);
        }
        if (store == Store.CASSANDRA) {
            checkPort(environment, CASSANDRA_PORT, cassandraPort);
        }
        if (s3 == S3.LOCAL) {
            checkPort(environment, S3_PORT, s3Port);
        }
    }

    private static void checkPort(Environment environment, Setting<Integer> setting, int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new java.net.InetSocketAddress(port));
        } catch (IOException e) {
            environment.problem(Environment.portTaken(setting, port, String.valueOf(e.getMessage())));
        }
    }

    private void checkArtifacts(Environment environment) {
        for (String artifact : ARTIFACTS) {
            if (!Files.exists(home.resolve(artifact))) {
                environment.problem(artifact + " is missing: start with `make run-local`, which builds it");
            }
        }
    }
}
