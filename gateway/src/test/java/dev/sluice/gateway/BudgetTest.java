package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class BudgetTest {
    @Test
    void release_twice_givesBackOnce() {
        Budget budget = budget(100_000);
        Budget.Permit first = open(budget);
        Budget.Permit second = open(budget);
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
        Budget budget = budget(Budget.REQUEST_BYTES + 10);
        Budget.Permit permit = open(budget);
        Budget.Permit refused = open(budget);
        assertThat(refused.held()).isZero();
        refused.release();
        assertThat(permit.grow(6)).isFalse();
        assertThat(permit.grow(5)).isTrue();
        assertThat(budget.hasRoom(1)).isFalse();
    }

    @Test
    void promise_keepsRoomForTheWholeBody_untilItIsReadOrGivenUp() {
        Budget budget = budget(100_000);
        Budget.Permit first = open(budget);
        Budget.Permit second = open(budget);
        assertThat(first.promise(20_000)).isTrue();
        assertThat(second.promise(20_000)).isFalse();
        assertThat(first.grow(20_000)).isTrue();
        assertThat(second.promise(20_000))
                .as("what has come is held, not promised")
                .isFalse();
        first.release();
        assertThat(second.promise(20_000)).isTrue();
        second.release();
        assertThat(open(budget).promise(30_000)).isTrue();
    }

    @Test
    void retryAfter_isWhatIsHeldOverWhatDrains() {
        Budget budget = budget(10_000_000);
        assertThat(budget.retryAfterSeconds()).isEqualTo(30);
        for (int second = 0; second < 20; second++) {
            Budget.Permit permit = open(budget);
            permit.grow((100_000 - Budget.REQUEST_BYTES) / Budget.COPIES);
            permit.release();
            budget.measure();
        }
        Budget.Permit held = open(budget);
        held.grow(200_000);
        assertThat(budget.retryAfterSeconds()).isEqualTo(5);
        held.release();
        assertThat(budget.retryAfterSeconds()).isEqualTo(1);
    }

    @Test
    void connection_overItsShare_holdsNoMore_andAnotherDoes() {
        Budget budget = new Budget(100_000, 20_000);
        SlowBodies slow = new SlowBodies();
        Budget.Share share = new Budget.Share();
        Budget.Permit first = budget.open(share, slow);
        assertThat(first.claim((25_000 - 2 * Budget.REQUEST_BYTES) / Budget.COPIES))
                .isTrue();
        Budget.Permit second = budget.open(share, slow);
        assertThat(second.held()).isEqualTo(Budget.REQUEST_BYTES);
        assertThat(second.claim(1)).isFalse();
        assertThat(budget.open(share, slow).held()).isZero();
        assertThat(budget.open(new Budget.Share(), slow).held()).isEqualTo(Budget.REQUEST_BYTES);
        first.release();
        first.release();
        assertThat(second.claim(5_000)).isTrue();
    }

    @Test
    void connection_alone_hasRoomForTheLargestRequest() {
        Budget budget = new Budget(100_000, 60_000);
        Budget.Permit permit = open(budget);
        assertThat(permit.claim((60_000 - Budget.REQUEST_BYTES) / Budget.COPIES))
                .isTrue();
        assertThat(permit.claim(1)).isFalse();
    }

    @Test
    void open_full_givesUpTheSlowestBody_onceItIsSlow() {
        Budget budget = budget(3 * Budget.REQUEST_BYTES);
        SlowBodies slow = new SlowBodies();
        List<Budget.Permit> bodies = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            Budget.Permit permit = budget.open(new Budget.Share(), slow);
            bodies.add(permit);
            slow.reading(permit, body(permit, slow));
        }
        slow.waiting(bodies.get(0), body(bodies.get(0), slow));
        assertThat(budget.open(new Budget.Share(), slow).held()).isZero();
        Budget.Permit fast = await().until(() -> budget.open(new Budget.Share(), slow), permit -> permit.held() > 0);
        assertThat(bodies.get(1).grow(1)).as("given up").isFalse();
        assertThat(budget.used()).isEqualTo(3 * Budget.REQUEST_BYTES);
        // neither itself nor one that is younger, however slow
        slow.ended(bodies.get(0));
        assertThat(bodies.get(2).grow(1)).isFalse();
        fast.release();
        assertThat(bodies.get(2).grow(1)).isTrue();
    }

    @Test
    void promise_noRoom_givesUpHopelessBodiesAlone() {
        Budget budget = budget(20 * Budget.REQUEST_BYTES);
        SlowBodies slow = new SlowBodies();
        Budget.Permit first = budget.open(new Budget.Share(), slow);
        assertThat(first.promise(7 * Budget.REQUEST_BYTES)).isTrue();
        AtomicBoolean hopeless = new AtomicBoolean();
        slow.reading(first, new SlowBodies.Body() {
            @Override
            public void giveUp() {
                first.release();
            }

            @Override
            public boolean isHopeless(long nanos) {
                return hopeless.get();
            }
        });
        Budget.Permit second = budget.open(new Budget.Share(), slow);
        await().pollDelay(Duration.ofMillis(1_100)).until(() -> !second.promise(3 * Budget.REQUEST_BYTES));
        hopeless.set(true);
        assertThat(second.promise(3 * Budget.REQUEST_BYTES)).isTrue();
    }

    private static SlowBodies.Body body(Budget.Permit permit, SlowBodies slow) {
        return new SlowBodies.Body() {
            @Override
            public void giveUp() {
                slow.ended(permit);
                permit.release();
            }

            @Override
            public boolean isHopeless(long nanos) {
                return true;
            }
        };
    }

    @Property
    void used_isTheSumOfWhatIsHeld(@ForAll @Size(max = 60) List<@IntRange(max = 30_000) Integer> steps) {
        Budget budget = budget(200_000);
        List<Budget.Permit> open = new ArrayList<>();
        for (int step : steps) {
            if (step % 3 == 0 || open.isEmpty()) {
                open.add(open(budget));
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
        Budget budget = budget(100_000);
        CountDownLatch start = new CountDownLatch(1);
        ExecutorService threads = Executors.newFixedThreadPool(4);
        List<Future<Boolean>> runs = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            runs.add(threads.submit(() -> {
                start.await();
                boolean within = true;
                for (int n = 0; n < 20_000; n++) {
                    Budget.Permit permit = open(budget);
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

    private static Budget budget(long most) {
        return new Budget(most, most);
    }

    private static Budget.Permit open(Budget budget) {
        return budget.open(new Budget.Share(), new SlowBodies());
    }
}
