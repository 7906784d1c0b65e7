package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AcknowledgementsTest {
    private static final int MANY = 5_000;
    private static final int DEFECT = 1_234;

    private final Vertx vertx = Vertx.vertx();
    private final Acknowledgements acknowledgements = new Acknowledgements(vertx.getOrCreateContext());
    private final List<Integer> arrived = new ArrayList<>();
    private final Promise<Void> all = Promise.promise();

    @AfterEach
    void stop() throws Exception {
        get(vertx.close());
    }

    /** More than one turn of the event loop takes, and one of them with a defect. */
    @Test
    void add_many_arriveInOrder_whateverBecomesOfOne() throws Exception {
        IntStream.rangeClosed(1, MANY).forEach(i -> acknowledgements.add(acknowledgement(i)));
        get(all.future());
        assertThat(arrived).isEqualTo(IntStream.rangeClosed(1, MANY).boxed().toList());
    }

    private Acknowledgements.Acknowledgement acknowledgement(int number) {
        return new Acknowledgements.Acknowledgement() {
            @Override
            void arrive() {
                arrived.add(number);
                if (number == MANY) {
                    all.complete();
                }
                if (number == DEFECT) {
                    throw new IllegalStateException("as meant");
                }
            }
        };
    }
}
