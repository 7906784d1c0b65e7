package dev.sluice.streaming;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.apache.commons.codec.digest.MurmurHash3;
import org.jspecify.annotations.Nullable;

/**
 * The ids of one bucket that were counted. Spark looks at everything that it remembers in each batch, to find what has
 * timed out: some thousand buckets cost it milliseconds, where millions of ids would take seconds.
 *
 * <p>Ids are kept as hashes of 128 bits (MurmurHash3 x64): with a billion of them, two are the same with a probability of
 * 10⁻²¹.
 */
final class Ids {
    /** So many that one rarely has more than some dozen ids, and a batch rewrites little. */
    static final int BUCKETS = 1 << 15;

    private static final int BYTES = 3 * Long.BYTES;

    /** What is kept of an id. */
    record Hash(long high, long low) {
        static Hash of(String id) {
            long[] hash = MurmurHash3.hash128x64(id.getBytes(UTF_8));
            return new Hash(hash[0], hash[1]);
        }

        int bucket() {
            return (int) high & (BUCKETS - 1);
        }
    }

    private final Map<Hash, Long> passed = new HashMap<>();

    /** None. */
    Ids() {}

    /**
     * Those of {@link #bytes} that are not forgotten.
     *
     * @param watermark in milliseconds since 1970 UTC
     */
    Ids(byte[] bytes, long watermark) {
        ByteBuffer from = ByteBuffer.wrap(bytes);
        while (from.hasRemaining()) {
            Hash id = new Hash(from.getLong(), from.getLong());
            long at = from.getLong();
            if (at > watermark) {
                passed.put(id, at);
            }
        }
    }

    /** For each id its hash and the time, 24 bytes, in no order. */
    byte[] bytes() {
        ByteBuffer to = ByteBuffer.allocate(BYTES * passed.size());
        passed.forEach((id, at) -> to.putLong(id.high).putLong(id.low).putLong(at));
        return to.array();
    }

    /** What {@link #add} was told last; null for an id that is not remembered. */
    @Nullable
    Long passed(Hash id) {
        return passed.get(id);
    }

    /** @param millis the watermark at which the id is forgotten, since 1970 UTC */
    void add(Hash id, long millis) {
        passed.put(id, millis);
    }

    boolean isEmpty() {
        return passed.isEmpty();
    }

    /** The watermark at which the first of them is forgotten. */
    long earliest() {
        return passed.values().stream().mapToLong(Long::longValue).min().orElse(Long.MAX_VALUE);
    }
}
