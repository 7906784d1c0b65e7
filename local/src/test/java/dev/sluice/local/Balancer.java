package dev.sluice.local;

import static org.awaitility.Awaitility.await;

import dev.sluice.events.Programs;
import dev.sluice.events.RealBroker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;

/** HAProxy before gateways, of TCP and nothing more: who is ready gets new connections. */
final class Balancer implements AutoCloseable {
    private static final String CONFIGURATION = """
            defaults
              mode tcp
              timeout connect 1s
              timeout client 1m
              timeout server 1m
              retries 3
              option redispatch
            listen events
              bind 127.0.0.1:%d
              balance leastconn
              option httpchk GET /health/ready
            %s
            """;

    private final int port = RealBroker.freePort();
    private final Process haproxy;

    /** @param gateways their private ports, by those that take events */
    Balancer(Path folder, Map<Integer, Integer> gateways) throws IOException {
        Programs.require("haproxy");
        String servers = gateways.entrySet().stream()
                .map(gateway -> "  server gateway-" + gateway.getKey() + " 127.0.0.1:" + gateway.getKey()
                        + " check port " + gateway.getValue() + " inter 200ms fall 1 rise 1")
                .collect(Collectors.joining("\n"));
        Path file = Files.writeString(folder.resolve("haproxy.cfg"), CONFIGURATION.formatted(port, servers));
        haproxy = new ProcessBuilder(Programs.path("haproxy").toString(), "-f", file.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("haproxy.log").toFile())
                .start();
        await().until(() -> RealBroker.accepts(port));
    }

    int port() {
        return port;
    }

    @Override
    public void close() {
        haproxy.destroyForcibly().onExit().join();
    }
}
