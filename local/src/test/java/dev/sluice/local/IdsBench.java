package dev.sluice.local;

import static dev.sluice.local.BenchReport.Bound.AT_MOST;

import dev.sluice.events.RealBroker;
import dev.sluice.events.RealTopics;
import dev.sluice.local.DrainBench.Drain;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * What records without an id pay for the step that finds duplicates: streaming's query against the same without it. Over
 * a backlog so long that the code of both has been compiled for good; of CPU, not of time, for a batch starts on a full
 * second, so that speed moves in steps; and both at once, for what a busy machine does to one it does to the other then.
 */
final class IdsBench {
    private static final int RECORDS = 100_000_000;

    private final BenchReport report;
    private final Path folder;
    private final RealBroker broker;

    IdsBench(BenchReport report, Path folder, RealBroker broker) {
        this.report = report;
        this.folder = folder;
        this.broker = broker;
    }

    void run(int rounds) throws Exception {
        RealTopics.create(broker, Bench.PARTITIONS, "events");
        System.out.printf("ids, storing %,d records%n", RECORDS);
        DrainBench.produce(broker, "events", RECORDS);
        for (int round = 1; round <= rounds; round++) {
            System.out.printf("ids, round %d of %d%n", round, rounds);
            CompletableFuture<Drain> other = drain("without-ids", round);
            Drain with = drain("with-ids", round).get();
            Drain without = other.get();
            report.add("query with the step for ids, CPU s per million records without one", with.cpuPerMillion());
            report.add("query without the step for ids, CPU s per million", without.cpuPerMillion());
            report.add(
                    "streaming: CPU of the query per record without an id against the same without the step for ids",
                    AT_MOST,
                    1.05,
                    with.cpuPerMillion() / without.cpuPerMillion());
        }
    }

    private CompletableFuture<Drain> drain(String query, int round) {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return DrainBench.query(folder, broker, query, RECORDS, round);
            } catch (Exception e) {
                throw new CompletionException(e);
            }
        });
    }
}
