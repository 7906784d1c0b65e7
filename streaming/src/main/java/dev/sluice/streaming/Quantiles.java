package dev.sluice.streaming;

import org.apache.datasketches.kll.KllDoublesSketch;
import org.apache.datasketches.memory.Memory;
import org.apache.spark.sql.Encoder;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.expressions.Aggregator;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.jspecify.annotations.Nullable;

/**
 * Quantiles by KLL sketches (Karnin, Lang, Liberty: Optimal Quantile Approximation in Streams, 2016) of DataSketches, which
 * Spark has for distinct counts: with its {@code k} of 200, a quantile is that of a rank at most 1.33 % off, in 99 of 100
 * cases. Spark's own {@code percentile_approx} keeps a sample that cannot be begun before the shuffle.
 */
final class Quantiles extends Aggregator<byte[], byte[], byte[]> {
    private static final long serialVersionUID = 1;

    /** Merges sketches; nulls are none. */
    static final UserDefinedFunction MERGE = functions.udaf(new Quantiles(), Encoders.BINARY());

    /** The value of a rank from 0 to 1 of a sketch; null where it has seen nothing. */
    static final UserDefinedFunction RANK =
            functions.udf((UDF2<byte[], Double, @Nullable Double>) Quantiles::rank, DataTypes.DoubleType);

    static KllDoublesSketch sketch() {
        return KllDoublesSketch.newHeapInstance();
    }

    private static KllDoublesSketch sketch(byte[] bytes) {
        return bytes.length == 0 ? sketch() : KllDoublesSketch.heapify(Memory.wrap(bytes));
    }

    private static @Nullable Double rank(byte @Nullable [] bytes, double rank) {
        KllDoublesSketch sketch = bytes == null ? sketch() : sketch(bytes);
        return sketch.isEmpty() ? null : sketch.getQuantile(rank);
    }

    @Override
    public byte[] zero() {
        return new byte[0];
    }

    @Override
    public byte[] reduce(byte[] merged, byte @Nullable [] more) {
        return more == null ? merged : merge(merged, more);
    }

    @Override
    public byte[] merge(byte[] one, byte[] other) {
        if (one.length == 0 || other.length == 0) {
            return one.length == 0 ? other : one;
        }
        KllDoublesSketch both = sketch(one);
        both.merge(sketch(other));
        return both.toByteArray();
    }

    @Override
    public byte[] finish(byte[] merged) {
        return merged;
    }

    @Override
    public Encoder<byte[]> bufferEncoder() {
        return Encoders.BINARY();
    }

    @Override
    public Encoder<byte[]> outputEncoder() {
        return Encoders.BINARY();
    }
}
