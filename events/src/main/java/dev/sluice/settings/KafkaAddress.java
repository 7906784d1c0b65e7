package dev.sluice.settings;

import java.util.List;
import java.util.regex.Pattern;

/** Where Kafka is: {@code KAFKA_BOOTSTRAP_SERVERS}, or else {@code KAFKA_HOST} and {@code KAFKA_PORT}. */
public final class KafkaAddress {
    public static final Setting<String> HOST = Setting.text("KAFKA_HOST", "localhost", "host of the Kafka broker");
    public static final Setting<Integer> PORT = Setting.port("KAFKA_PORT", "9092", "port of the Kafka broker");

    private static final Pattern SERVER = Pattern.compile("(\\[[0-9A-Fa-f:.]+]|[^\\s:,\\[\\]]+):\\d{1,5}");

    public static final Setting<String> BOOTSTRAP_SERVERS = new Setting<>(
            "KAFKA_BOOTSTRAP_SERVERS",
            "",
            "more than one broker, as `host:port,host:port`; takes the place of `KAFKA_HOST` and `KAFKA_PORT`",
            "host:port, or several with commas between them",
            KafkaAddress::parse);

    public static final List<Setting<?>> SETTINGS = List.of(HOST, PORT, BOOTSTRAP_SERVERS);

    private KafkaAddress() {}

    /** The value of the client's {@code bootstrap.servers}. */
    public static String read(Environment environment) {
        String servers = environment.get(BOOTSTRAP_SERVERS);
        String host = environment.get(HOST);
        int port = environment.get(PORT);
        return servers.isEmpty() ? host + ":" + port : servers;
    }

    private static String parse(String text) {
        if (text.isEmpty()) {
            return text;
        }
        List<String> servers =
                Pattern.compile(",").splitAsStream(text).map(String::strip).toList();
        if (!servers.stream().allMatch(server -> SERVER.matcher(server).matches())) {
            throw new IllegalArgumentException(text);
        }
        return String.join(",", servers);
    }
}
