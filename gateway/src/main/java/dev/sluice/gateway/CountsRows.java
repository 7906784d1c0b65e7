package dev.sluice.gateway;

import dev.sluice.gateway.CountsView.Row;
import io.vertx.core.Future;
import java.util.List;

/** Rows that come part by part, each when it is asked for. */
interface CountsRows {
    /** Of one part: the event loop is held no longer than for these. */
    int AT_ONCE = 500;

    boolean hasNext();

    /** The next part, which may hold none. */
    Future<List<Row>> next();

    static CountsRows of(CountsView.Walk walk) {
        return new CountsRows() {
            @Override
            public boolean hasNext() {
                return walk.hasNext();
            }

            @Override
            public Future<List<Row>> next() {
                return Future.succeededFuture(walk.next(AT_ONCE));
            }
        };
    }

    /** These, and then others. */
    default CountsRows then(CountsRows others) {
        CountsRows first = this;
        return new CountsRows() {
            @Override
            public boolean hasNext() {
                return first.hasNext() || others.hasNext();
            }

            @Override
            public Future<List<Row>> next() {
                return (first.hasNext() ? first : others).next();
            }
        };
    }
}
