package dev.sluice.gateway;

import dev.sluice.events.Rejection;
import io.vertx.core.Vertx;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says in the log what was refused: a line a second for each sender and code, whatever they send. */
final class Refusals {
    private static final Logger LOG = LoggerFactory.getLogger(Refusals.class);
    private static final long LINE_MILLIS = 1_000;
    /** Pairs of sender and code that are told apart within a second; there can be as many senders as somebody gives names to. */
    private static final int MOST = 200;

    private static final String OTHERS = "(others)";

    private record Kind(String sender, Rejection rejection) {}

    private record Sum(long requests, long events) {
        Sum plus(Sum more) {
            return new Sum(requests + more.requests, events + more.events);
        }
    }

    private final Map<Kind, Sum> sums = new ConcurrentHashMap<>();

    /**
     * One request.
     *
     * @param events those of it that were refused for that; 0 where none was read
     */
    void add(String sender, Rejection rejection, int events) {
        Kind kind = new Kind(sender, rejection);
        if (sums.size() >= MOST && !sums.containsKey(kind)) {
            kind = new Kind(OTHERS, rejection);
        }
        sums.merge(kind, new Sum(1, events), Sum::plus);
    }

    /** One request, of which these were refused; each code has its own line. */
    void add(String sender, List<Results.Rejected> rejected) {
        Map<Rejection, Integer> events = new EnumMap<>(Rejection.class);
        rejected.forEach(item -> events.merge(item.refusal().rejection(), 1, Integer::sum));
        events.forEach((rejection, count) -> add(sender, rejection, count));
    }

    void watch(Vertx vertx) {
        vertx.setPeriodic(LINE_MILLIS, timer -> say());
    }

    /** What there was since the last time. */
    void say() {
        for (Kind kind : List.copyOf(sums.keySet())) {
            Sum sum = sums.remove(kind);
            if (sum != null) {
                LOG.info(
                        "Refused: sender=\"{}\" code={} requests={} events={}",
                        quoted(kind.sender),
                        kind.rejection.code(),
                        sum.requests,
                        sum.events);
            }
        }
    }

    private static String quoted(String sender) {
        StringBuilder line = new StringBuilder();
        AccessLog.escape(line, sender);
        return line.toString();
    }
}
