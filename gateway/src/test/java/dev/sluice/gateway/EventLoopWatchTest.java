package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.get;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class EventLoopWatchTest {
    @Test
    void blockedEventLoop_isNoticed() throws Exception {
        EventLoopWatch watch = new EventLoopWatch();
        watch.beforeAll(null);
        Vertx vertx = Fixture.vertx();
        Promise<Void> done = Promise.promise();
        vertx.runOnContext(ignored -> {
            try {
                TimeUnit.MILLISECONDS.sleep(500);
                done.complete();
            } catch (InterruptedException e) {
                done.fail(e);
            }
        });
        get(done.future());
        get(vertx.close());
        assertThatThrownBy(() -> watch.afterAll(null))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("has been blocked for");
    }
}
