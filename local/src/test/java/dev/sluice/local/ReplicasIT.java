package dev.sluice.local;

import static dev.sluice.local.Victims.PATIENCE;
import static dev.sluice.local.Victims.awaitMore;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.events.RealBroker;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Gateways behind a balancer, which come and go under load: replicas share nothing, and none is missed. */
class ReplicasIT {
    private static final int REPLICAS = 3;
    private static final int CONNECTIONS = 24;
    private static final double PER_SECOND = 2_000;
    /** Longer than the balancer takes to see that one is not ready. */
    private static final Map<String, String> DRAIN = Map.of("DRAIN_DELAY", "1s");

    @TempDir
    Path folder;

    private final List<Integer> ports =
            Stream.generate(RealBroker::freePort).limit(REPLICAS).toList();
    private Victims victims;

    @BeforeEach
    void start() throws Exception {
        victims = new Victims("replicas", folder, List.of(), Map.of());
    }

    @AfterEach
    void stop() {
        victims.close();
    }

    @Test
    void replicas_comeAndGo_nothingIsLostOrCountedTwice() throws Exception {
        List<Process> gateways = new ArrayList<>();
        for (int port : ports) {
            gateways.add(victims.gateway(port, DRAIN, ""));
        }
        Map<Integer, Integer> checked =
                ports.stream().collect(Collectors.toMap(port -> port, port -> victims.managementPort(port)));
        try (Balancer balancer = new Balancer(folder, checked);
                Ledger ledger = new Ledger(List.of(balancer.port()), CONNECTIONS)) {
            ledger.pace(PER_SECOND);
            awaitMore(ledger);
            for (int port : ports) {
                await().atMost(PATIENCE).until(() -> victims.metric(port, "sluice_events_received_total ") > 0);
            }
            // rolled, one after another: nobody notices
            for (int i = 0; i < REPLICAS; i++) {
                gateways.get(i).destroy();
                assertThat(gateways.get(i).waitFor(30, TimeUnit.SECONDS)).isTrue();
                awaitMore(ledger);
                gateways.set(i, victims.gateway(ports.get(i), DRAIN, ""));
            }
            // connections stay where they are, and those of one that goes are the next one's
            for (int port : ports.subList(0, REPLICAS - 1)) {
                await().atMost(PATIENCE).until(() -> victims.metric(port, "sluice_events_received_total ") > 0);
            }
            assertThat(ledger.refused()).as("refused while rolled").isZero();
            assertThat(ledger.unanswered()).as("unanswered while rolled").isZero();
            // two of them lost at once: what each connection had on the way has no answer, and the third has the rest
            gateways.subList(0, 2)
                    .forEach(gateway -> gateway.destroyForcibly().onExit().join());
            awaitMore(ledger);
            victims.gateway(ports.get(0), DRAIN, "");
            awaitMore(ledger);
            Ledger.Account account = victims.settle("replicas rolled, and two of three killed", 1, ledger);
            assertThat(account.refused()).isZero();
            assertThat(account.unanswered()).isLessThan(account.sent() / 10);
            assertThat(account.storedTwice()).isZero();
            victims.assertCountedOnce(account);
        }
    }
}
