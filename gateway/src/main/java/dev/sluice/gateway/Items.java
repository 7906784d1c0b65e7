package dev.sluice.gateway;

import static dev.sluice.events.Rejection.EMPTY_BATCH;
import static dev.sluice.events.Rejection.EMPTY_BODY;
import static dev.sluice.events.Rejection.INVALID_JSON;
import static dev.sluice.events.Rejection.TOO_MANY_EVENTS;
import static dev.sluice.events.Rejection.TRAILING_COMMA;
import static dev.sluice.events.Rejection.TRAILING_TEXT;

import dev.sluice.events.Glance;
import dev.sluice.events.Rejection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the items of a batch lie in its body. Found by brackets, quotes and commas alone, so that an item that is not
 * JSON leaves its siblings whole.
 */
final class Items {
    /**
     * Bytes of the body, without the white space around them.
     *
     * @param fault what is wrong with the batch at this place; the bytes are then no item
     */
    private record Slice(int from, int to, @Nullable Refusal fault) {}

    private final byte[] body;
    private final int most;
    private final List<Slice> slices = new ArrayList<>();

    private Items(byte[] body, int most) {
        this.body = body;
        this.most = most;
    }

    /**
     * The elements of a JSON array.
     *
     * @param body its first byte that is not white space is an opening bracket
     * @param most items that are taken
     * @throws RefusedException where there are none, or more than {@code most}
     */
    static Items ofArray(byte[] body, int most) throws RefusedException {
        Items items = new Items(body, most);
        items.splitArray();
        return items.orRefused(EMPTY_BATCH, "Put at least one event between the brackets.");
    }

    /** The lines that are not blank; otherwise as {@link #ofArray}. */
    static Items ofLines(byte[] body, int most) throws RefusedException {
        Items items = new Items(body, most);
        int start = 0;
        for (int i = 0; i <= body.length; i++) {
            if (i == body.length || body[i] == '\n') {
                items.add(start, i);
                start = i + 1;
            }
        }
        return items.orRefused(EMPTY_BODY, "Send one event a line.");
    }

    static boolean isArray(byte[] body) {
        int first = skipBlank(body, 0);
        return first < body.length && body[first] == '[';
    }

    int size() {
        return slices.size();
    }

    /** Why there is no item at this place of the batch; null where there is one. */
    @Nullable
    Refusal fault(int index) {
        return slices.get(index).fault;
    }

    byte[] bytes(int index) {
        Slice slice = slices.get(index);
        return Arrays.copyOfRange(body, slice.from, slice.to);
    }

    private Items orRefused(Rejection ifEmpty, String advice) throws RefusedException {
        if (slices.isEmpty()) {
            throw Refusal.of(ifEmpty, advice).asException();
        }
        return this;
    }

    private void splitArray() throws RefusedException {
        int start = skipBlank(body, 0) + 1;
        int depth = 0;
        for (int i = start; i < body.length; i++) {
            switch (body[i]) {
                case '"' -> i = endOfString(i);
                case '[', '{' -> depth++;
                case '}' -> depth = Math.max(depth - 1, 0);
                case ',' -> {
                    if (depth == 0) {
                        element(start, i);
                        start = i + 1;
                    }
                }
                case ']' -> {
                    if (depth == 0) {
                        close(start, i);
                        return;
                    }
                    depth--;
                }
                default -> {
                    // part of an item
                }
            }
        }
        add(start, body.length);
        if (depth == 0) {
            fault(body.length, Refusal.of(INVALID_JSON, "The array does not end: a \"]\" is missing."));
        }
    }

    /** Index of the closing quote, or of the last byte. */
    private int endOfString(int opening) {
        for (int i = opening + 1; i < body.length; i++) {
            if (body[i] == '\\') {
                i++;
            } else if (body[i] == '"') {
                return i;
            }
        }
        return body.length - 1;
    }

    private void element(int from, int to) throws RefusedException {
        if (!add(from, to)) {
            fault(from, Refusal.of(INVALID_JSON, "Nothing stands before the comma."));
        }
    }

    private void close(int from, int to) throws RefusedException {
        if (!add(from, to) && !slices.isEmpty()) {
            fault(from, Refusal.of(TRAILING_COMMA, "Remove the comma before the closing bracket."));
        }
        int after = skipBlank(body, to + 1);
        if (after < body.length) {
            fault(after, Refusal.of(TRAILING_TEXT, "Send one array a request, and nothing after it."));
        }
    }

    private boolean add(int from, int to) throws RefusedException {
        int first = skipBlank(body, from);
        if (first >= to) {
            return false;
        }
        int last = to;
        while (Glance.isBlank(body[last - 1])) {
            last--;
        }
        add(new Slice(first, last, null));
        return true;
    }

    private void fault(int at, Refusal refusal) throws RefusedException {
        add(new Slice(at, at, refusal));
    }

    private void add(Slice slice) throws RefusedException {
        if (slices.size() == most) {
            throw Refusal.of(TOO_MANY_EVENTS, "Send at most " + most + " events a request.")
                    .asException();
        }
        slices.add(slice);
    }

    private static int skipBlank(byte[] bytes, int from) {
        int i = from;
        while (i < bytes.length && Glance.isBlank(bytes[i])) {
            i++;
        }
        return i;
    }
}
