package dev.sluice.gateway;

import dev.sluice.settings.Environment;
import dev.sluice.settings.KafkaAddress;
import dev.sluice.settings.Setting;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What the gateway is started with.
 *
 * @param producer settings of Kafka's producer, ready to hand over
 */
record Settings(
        String httpHost,
        int httpPort,
        String managementHost,
        int managementPort,
        String topic,
        int maxEventBytes,
        Map<String, String> producer) {

    static final Setting<String> HTTP_HOST = Setting.text("HTTP_HOST", "0.0.0.0", "address that takes events");
    static final Setting<Integer> HTTP_PORT = Setting.port("HTTP_PORT", "5000", "port that takes events");
    static final Setting<String> MANAGEMENT_HOST =
            Setting.text("MANAGEMENT_HOST", "127.0.0.1", "address of health and metrics; `0.0.0.0` in a container");
    static final Setting<Integer> MANAGEMENT_PORT =
            Setting.port("MANAGEMENT_PORT", "5001", "port of health and metrics; keep it private");
    static final Setting<String> TOPIC = Setting.text("EVENTS_TOPIC", "events", "Kafka topic of the events");
    static final Setting<Integer> MAX_EVENT_BYTES =
            Setting.integer("MAX_EVENT_BYTES", "262144", "bytes of one event at most", 64, 1_000_000);

    static final List<Setting<?>> ALL = all();

    static Settings read(Environment environment) {
        String httpHost = environment.get(HTTP_HOST);
        int httpPort = environment.get(HTTP_PORT);
        String managementHost = environment.get(MANAGEMENT_HOST);
        int managementPort = environment.get(MANAGEMENT_PORT);
        if (httpPort == managementPort) {
            environment.problem("HTTP_PORT and MANAGEMENT_PORT are both " + httpPort + ": give each its own");
        }
        Settings settings = new Settings(
                httpHost,
                httpPort,
                managementHost,
                managementPort,
                environment.get(TOPIC),
                environment.get(MAX_EVENT_BYTES),
                ProducerSettings.read(environment, KafkaAddress.read(environment)));
        environment.check();
        return settings;
    }

    private static List<Setting<?>> all() {
        List<Setting<?>> all = new ArrayList<>(
                List.of(HTTP_HOST, HTTP_PORT, MANAGEMENT_HOST, MANAGEMENT_PORT, TOPIC, MAX_EVENT_BYTES));
        all.addAll(KafkaAddress.SETTINGS);
        return List.copyOf(all);
    }
}
