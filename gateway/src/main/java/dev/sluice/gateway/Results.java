package dev.sluice.gateway;

import dev.sluice.gateway.Publisher.Receipt;
import dev.sluice.gateway.Publisher.Spooled;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What became of each item of one request. */
final class Results {
    /** One item that was not taken, by its place in the batch. */
    record Rejected(int index, Refusal refusal) {}

    private final boolean batch;
    private final List<Rejected> rejected = new ArrayList<>();
    private int accepted;
    private int spooled;
    private @Nullable Receipt receipt;

    /** @param batch whether the request could hold more than one event */
    Results(boolean batch) {
        this.batch = batch;
    }

    void accept(Receipt where) {
        accepted++;
        spooled += where == Spooled.ON_DISK ? 1 : 0;
        receipt = where;
    }

    void reject(int index, Refusal refusal) {
        rejected.add(new Rejected(index, refusal));
    }

    boolean isBatch() {
        return batch;
    }

    int accepted() {
        return accepted;
    }

    /** Those of the accepted that are on the gateway's disk, and not yet in Kafka. */
    int spooled() {
        return spooled;
    }

    /** Where the last event is stored; of use where there is one. */
    @Nullable
    Receipt receipt() {
        return receipt;
    }

    /** In the order of the batch, whatever came back from Kafka first. */
    List<Rejected> rejected() {
        rejected.sort(Comparator.comparingInt(Rejected::index));
        return rejected;
    }
}
