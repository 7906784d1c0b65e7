package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class BudgetTest {
    @Test
    void release_twice_givesBackOnce() {
        Budget budget = new Budget(100_000);
        Budget.Permit first = budget.open();
        Budget.Permit second = budget.open();
        assertThat(first.grow(1_000)).isTrue();
        assertThat(budget.used()).isEqualTo(2 * Budget.REQUEST_BYTES + 2_000);
        first.release();
        first.release();
        assertThat(budget.used()).isEqualTo(Budget.REQUEST_BYTES);
        assertThat(first.grow(1)).isFalse();
        second.release();
        assertThat(budget.used()).isZero();
    }

    @Test
    void open_full_holdsNothing() {
        Budget budget = new Budget(Budget.REQUEST_BYTES + 10);
        Budget.Permit permit = budget.open();
        Budget.Permit refused = budget.open();
        assertThat(refused.held()).isZero();
        refused.release();
        assertThat(permit.grow(6)).isFalse();
        assertThat(permit.grow(5)).isTrue();
        assertThat(budget.hasRoom(1)).isFalse();
    }

    @Test
    void promise_keepsRoomForTheWholeBody_untilItIsReadOrGivenUp() {
        Budget budget = new Budget(100_000);
        Budget.Permit first = budget.open();
        Budget.Permit second = budget.open();
        assertThat(first.promise(20_000)).isTrue();
        assertThat(second.promise(20_000)).isFalse();
        assertThat(first.grow(20_000)).isTrue();
        assertThat(second.promise(20_000))
                .as("what has come is held, not promised")
                .isFalse();
        first.release();
        assertThat(second.promise(20_000)).isTrue();
        second.release();
        assertThat(budget.open().promise(30_000)).isTrue();
    }

    @Test
    void retryAfter_isWhatIsHeldOverWhatDrains() {
        Budget budget = new Budget(10_000_000);
        assertThat(budget.retryAfterSeconds()).isEqualTo(30);
        for (int second = 0; second < 20; second++) {
            Budget.Permit permit = budget.open();
            permit.grow((100_000 - Budget.REQUEST_BYTES) / Budget.COPIES);
            permit.release();
            budget.measure();
        }
        Budget.Permit held = budget.open();
        held.grow(200_000);
        assertThat(budget.retryAfterSeconds()).isEqualTo(5);
        held.release();
        assertThat(budget.retryAfterSeconds()).isEqualTo(1);
    }

    @Property
    void used_isTheSumOfWhatIsHeld(@ForAll @Size(max = 60) List<@IntRange(max = 30_000) Integer> steps) {
        Budget budget = new Budget(200_000);
        List<Budget.Permit> open = new ArrayList<>();
        for (int step : steps) {
            if (step % 3 == 0 || open.isEmpty()) {
                open.add(budget.open());
            } else if (step % 3 == 1) {
                open.get(step % open.size()).grow(step);
            } else {
                open.remove(step % open.size()).release();
            }
            assertThat(budget.used())
                    .isEqualTo(open.stream().mapToLong(Budget.Permit::held).sum())
                    .isLessThanOrEqualTo(200_000);
        }
    }

    @Test
    void manyThreads_neverExceedIt_andGiveAllBack() throws Exception {
        Budget budget = new Budget(100_000);
        CountDownLatch start = new CountDownLatch(1);
        ExecutorService threads = Executors.newFixedThreadPool(4);
        List<Future<Boolean>> runs = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            runs.add(threads.submit(() -> {
                start.await();
                boolean within = true;
                for (int n = 0; n < 20_000; n++) {
                    Budget.Permit permit = budget.open();
                    permit.grow(ThreadLocalRandom.current().nextInt(40_000));
                    within &= budget.used() <= 100_000;
                    permit.release();
                }
                return within;
            }));
        }
        start.countDown();
        for (Future<Boolean> run : runs) {
            assertThat(run.get()).isTrue();
        }
        threads.shutdown();
        assertThat(budget.used()).isZero();
    }
}
