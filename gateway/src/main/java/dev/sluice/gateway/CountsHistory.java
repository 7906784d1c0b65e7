package dev.sluice.gateway;

import com.datastax.oss.driver.api.core.ConsistencyLevel;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.CqlSessionBuilder;
import com.datastax.oss.driver.api.core.DefaultConsistencyLevel;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import com.datastax.oss.driver.api.core.ssl.ProgrammaticSslEngineFactory;
import dev.sluice.events.CountRecord;
import dev.sluice.gateway.CountsView.Filter;
import dev.sluice.gateway.CountsView.Group;
import dev.sluice.gateway.CountsView.Row;
import dev.sluice.gateway.CountsView.Window;
import dev.sluice.settings.CassandraAddress;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Counts of windows that are older than those in memory, from where streaming keeps them ({@code SINKS=cassandra}): of one type by
 * its days, and of all types window by window. Connects when it is first asked.
 */
final class CountsHistory {
    /** Of one answer; a week of windows of a minute. */
    static final int MOST_WINDOWS = 7 * 24 * 60;

    /** Of one answer. */
    static final int MOST_DAYS = 3_660;

    private static final Duration REQUEST = Duration.ofSeconds(5);
    private static final long DAY_MILLIS = Duration.ofDays(1).toMillis();

    /** Partitions of a table that are read while the rows of one are sent. */
    private static final int AHEAD = 8;

    private static final Comparator<Row> ORDER =
            Comparator.comparing(Row::window).thenComparing(Row::group);

    private final Vertx vertx;
    private final CassandraAddress address;
    private final ConsistencyLevel level;
    private @Nullable Future<CqlSession> session;

    CountsHistory(Vertx vertx, CassandraAddress address) {
        this.vertx = vertx;
        this.address = address;
        this.level =
                DefaultConsistencyLevel.valueOf(address.consistency().ofReads().name());
    }

    /**
     * What the streaming that wrote them says of its windows.
     *
     * @param slide from the start of one to the start of the next, in milliseconds, as is their {@code length}
     * @param closed windows that ended by then are final
     */
    record Windows(long length, long slide, Instant closed) {}

    /**
     * Those that the filter takes of the windows before one.
     *
     * @param filter with a {@code from}
     * @param before of which, and of later ones, none is read; null where {@code to} or now is the end
     * @throws IllegalArgumentException where that is more than one answer has, with what to do
     */
    CountsRows rows(Filter filter, @Nullable Window before, Windows windows) {
        Instant from = Objects.requireNonNull(filter.from());
        Instant end = Stream.of(filter.to(), before == null ? null : before.start(), Instant.now())
                .filter(Objects::nonNull)
                .min(Comparator.naturalOrder())
                .orElseThrow();
        // of the first window that may end behind it
        long first = from.toEpochMilli() - windows.length;
        List<SimpleStatement> partitions = filter.type() == null
                ? ofWindows(first, end.toEpochMilli(), windows)
                : ofDays(filter.type(), first, end.toEpochMilli());
        return new Partitions(
                partitions.iterator(),
                filter,
                before == null ? new Window(Instant.MAX, Instant.MAX) : before,
                windows.closed);
    }

    private List<SimpleStatement> ofDays(String type, long first, long end) {
        long[] days = range(first, end, DAY_MILLIS, MOST_DAYS, "days; ask for a shorter time");
        return LongStream.of(days)
                .mapToObj(day -> statement(
                        "counts_by_type",
                        "event_type = ? AND day = ?",
                        type,
                        LocalDate.ofInstant(Instant.ofEpochMilli(day), ZoneOffset.UTC)))
                .toList();
    }

    private List<SimpleStatement> ofWindows(long first, long end, Windows windows) {
        long[] starts =
                range(first, end, windows.slide, MOST_WINDOWS, "windows; ask for a shorter time, or for one type");
        return LongStream.of(starts)
                .mapToObj(start -> statement(
                        "counts_by_window",
                        "window_start = ? AND window_end = ?",
                        Instant.ofEpochMilli(start),
                        Instant.ofEpochMilli(start + windows.length)))
                .toList();
    }

    /** Multiples of the step, from the one that {@code first} is in. */
    private static long[] range(long first, long end, long step, int most, String advice) {
        long start = Math.floorDiv(first, step) * step;
        long number = Math.max(0, (end - start + step - 1) / step);
        if (number > most) {
            throw new IllegalArgumentException("from and to have " + number + " " + advice + ": " + most
                    + " at most are read for one answer from behind what memory has.");
        }
        return LongStream.iterate(start, next -> next + step).limit(number).toArray();
    }

    private SimpleStatement statement(String table, String partition, Object... key) {
        return SimpleStatement.newInstance(
                        "SELECT * FROM " + address.keyspace() + "." + table + " WHERE " + partition, key)
                .setConsistencyLevel(level)
                .setIdempotent(true);
    }

    private final class Partitions implements CountsRows {
        private final Iterator<SimpleStatement> left;
        private final Filter filter;
        private final Window before;
        private final Instant closed;
        private final Deque<Future<List<Row>>> ahead = new ArrayDeque<>();

        Partitions(Iterator<SimpleStatement> left, Filter filter, Window before, Instant closed) {
            this.left = left;
            this.filter = filter;
            this.before = before;
            this.closed = closed;
        }

        @Override
        public boolean hasNext() {
            return left.hasNext() || !ahead.isEmpty();
        }

        @Override
        public Future<List<Row>> next() {
            while (ahead.size() < AHEAD && left.hasNext()) {
                SimpleStatement partition = left.next();
                ahead.add(connected().compose(open -> read(open, partition)));
            }
            return ahead.remove();
        }

        private Future<List<Row>> read(CqlSession open, SimpleStatement partition) {
            List<Row> rows = new ArrayList<>();
            return Future.fromCompletionStage(open.executeAsync(partition), vertx.getOrCreateContext())
                    .compose(page -> take(page, rows));
        }

        private Future<List<Row>> take(AsyncResultSet page, List<Row> rows) {
            page.currentPage().forEach(row -> add(row, rows));
            if (page.hasMorePages()) {
                return Future.fromCompletionStage(page.fetchNextPage(), vertx.getOrCreateContext())
                        .compose(next -> take(next, rows));
            }
            rows.sort(ORDER);
            return Future.succeededFuture(rows);
        }

        private void add(com.datastax.oss.driver.api.core.cql.Row row, List<Row> rows) {
            Window window = new Window(time(row, CountRecord.WINDOW_START), time(row, CountRecord.WINDOW_END));
            Group group = new Group(text(row, CountRecord.EVENT_TYPE), text(row, CountRecord.OUTCOME));
            if (window.compareTo(before) < 0 && filter.takes(window) && filter.takes(group)) {
                rows.add(new Row(
                        window,
                        group,
                        row.getLong(CountRecord.COUNT),
                        aggregates(row),
                        !closed.isBefore(window.end())));
            }
        }
    }

    private static Instant time(com.datastax.oss.driver.api.core.cql.Row row, String column) {
        return Objects.requireNonNull(row.getInstant(column));
    }

    private static String text(com.datastax.oss.driver.api.core.cql.Row row, String column) {
        return Objects.requireNonNull(row.getString(column));
    }

    private static @Nullable String aggregates(com.datastax.oss.driver.api.core.cql.Row row) {
        StringBuilder fields = new StringBuilder();
        for (String name : CountRecord.AGGREGATES) {
            Object value = row.getObject(name);
            if (value != null) {
                fields.append(fields.isEmpty() ? "\"" : ",\"")
                        .append(name)
                        .append("\":")
                        .append(value);
            }
        }
        return fields.isEmpty() ? null : fields.toString();
    }

    /** One session; where there was none to be had, the next who asks tries again. */
    private Future<CqlSession> connected() {
        if (session == null || session.failed()) {
            // asks for the addresses of names, and loads the classes of a query
            session = vertx.executeBlocking(() -> {
                CqlSession open = builder().build();
                open.execute(statement(
                        "counts_by_window", "window_start = ? AND window_end = ?", Instant.EPOCH, Instant.EPOCH));
                return open;
            });
        }
        return session;
    }

    private CqlSessionBuilder builder() {
        CqlSessionBuilder builder = CqlSession.builder()
                .addContactPoints(address.resolvedContactPoints())
                .withLocalDatacenter(address.dataCenter())
                .withApplicationName("sluice-gateway")
                .withConfigLoader(DriverConfigLoader.programmaticBuilder()
                        .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, REQUEST)
                        .withDuration(DefaultDriverOption.CONNECTION_INIT_QUERY_TIMEOUT, REQUEST)
                        .withDuration(DefaultDriverOption.CONTROL_CONNECTION_TIMEOUT, REQUEST)
                        .withBoolean(DefaultDriverOption.METADATA_SCHEMA_ENABLED, false)
                        .withInt(DefaultDriverOption.NETTY_IO_SIZE, 1)
                        .withInt(DefaultDriverOption.NETTY_ADMIN_SIZE, 1)
                        .withDuration(DefaultDriverOption.RECONNECTION_MAX_DELAY, Duration.ofSeconds(5))
                        .build());
        if (!address.user().isEmpty()) {
            builder.withAuthCredentials(address.user(), address.password());
        }
        address.sslContext()
                .ifPresent(tls -> builder.withSslEngineFactory(new ProgrammaticSslEngineFactory(tls, null, true)));
        return builder;
    }

    Future<Void> close() {
        return session == null
                ? Future.succeededFuture()
                : session.compose(open -> Future.fromCompletionStage(open.closeAsync()))
                        .otherwiseEmpty();
    }
}
