package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.jspecify.annotations.Nullable;

/** A place in a trace, as the headers of W3C Trace Context say it. All records of a request have the same. */
final class TraceContext {
    static final TraceContext NONE = new TraceContext("", "");

    /** As Vert.x finds it soonest. */
    static final CharSequence PARENT_HEADER = HttpHeaders.createOptimized("traceparent");

    private static final String PARENT = PARENT_HEADER.toString();
    private static final String STATE = "tracestate";

    /** What the standard asks everybody to pass on; of more, the large members go first, and then the last. */
    private static final int STATE_CHARACTERS = 512;

    private static final int LARGE_MEMBER_CHARACTERS = 128;
    private static final TextMapGetter<MultiMap> FROM_REQUEST = new FromRequest();

    private final String parent;
    private final String state;
    private final @Nullable List<Header> headers;

    /**
     * As the headers of a record say it.
     *
     * @param parent empty for no trace
     * @param state empty for none
     */
    TraceContext(String parent, String state) {
        this.parent = parent;
        this.state = state;
        this.headers = parent.isEmpty() ? null : headers(parent, state);
    }

    private static List<Header> headers(String parent, String state) {
        List<Header> headers = new ArrayList<>();
        headers.add(new RecordHeader(PARENT, parent.getBytes(US_ASCII)));
        if (!state.isEmpty()) {
            headers.add(new RecordHeader(STATE, state.getBytes(US_ASCII)));
        }
        return headers;
    }

    /** What the headers of a request say; nothing where they are not those of the standard. */
    static Context extract(MultiMap headers) {
        return W3CTraceContextPropagator.getInstance().extract(Context.root(), headers, FROM_REQUEST);
    }

    static TraceContext of(Context context) {
        Map<String, String> fields = new HashMap<>();
        W3CTraceContextPropagator.getInstance().inject(context, fields, (same, name, value) -> fields.put(name, value));
        return fields.isEmpty()
                ? NONE
                : new TraceContext(fields.getOrDefault(PARENT, ""), fields.getOrDefault(STATE, ""));
    }

    private static final class FromRequest implements TextMapGetter<MultiMap> {
        @Override
        @SuppressWarnings("deprecation") // abstract in the interface all the same
        public Iterable<String> keys(MultiMap headers) {
            return headers.names();
        }

        @Override
        public @Nullable String get(@Nullable MultiMap headers, String name) {
            List<String> values = headers == null ? List.of() : headers.getAll(name);
            if (name.equals(STATE)) {
                return bounded(String.join(",", values));
            }
            // of two, nobody could say which one is meant
            return values.size() == 1 ? values.get(0) : null;
        }
    }

    private static String bounded(String state) {
        if (state.length() <= STATE_CHARACTERS) {
            return state;
        }
        String small = Arrays.stream(state.split(","))
                .filter(member -> member.length() <= LARGE_MEMBER_CHARACTERS)
                .collect(Collectors.joining(","));
        return small.length() <= STATE_CHARACTERS
                ? small
                : small.substring(0, small.lastIndexOf(',', STATE_CHARACTERS));
    }

    /** For a record; null where there is no trace. */
    @Nullable
    Iterable<Header> headers() {
        return headers;
    }

    boolean isNone() {
        return parent.isEmpty();
    }

    String parent() {
        return parent;
    }

    String state() {
        return state;
    }

    /** Characters of it, which are ASCII. */
    int length() {
        return parent.length() + state.length();
    }
}
