package dev.sluice.gateway;

import static dev.sluice.events.Rejection.INFLATED_TOO_LARGE;
import static dev.sluice.events.Rejection.INVALID_ENCODING;

import com.github.luben.zstd.ZstdInputStream;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;

/** Inflates one body up to a bound, a piece at a time, so that it neither fills memory nor holds its event loop. */
final class Inflation {
    static final String ENCODINGS = "gzip, deflate, zstd";

    private static final int PIECE = 8 * 1024;
    private static final int PIECES_A_TURN = 32;

    /** 8 MiB: what RFC 9659 bids a receiver support, and no sender exceed. */
    private static final int ZSTD_WINDOW_LOG = 23;

    private final Context context;
    private final InputStream in;
    private final int most;
    private final Budget.Permit permit;
    private final byte[] piece = new byte[PIECE];
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final Promise<byte[]> done = Promise.promise();

    private Inflation(Context context, InputStream in, int most, Budget.Permit permit) {
        this.permit = permit;
        this.context = context;
        this.in = in;
        this.most = most;
    }

    static boolean isSupported(String encoding) {
        return switch (encoding.toLowerCase(Locale.ROOT)) {
            case "", "identity", "gzip", "x-gzip", "deflate", "zstd" -> true;
            default -> false;
        };
    }

    /**
     * What {@code body} is before encoding; fails with a {@link RefusedException} where that is larger than
     * {@code most} bytes, or {@code body} is no such encoding.
     *
     * @param permit grows with what is inflated
     */
    static Future<byte[]> inflate(Context context, byte[] body, String encoding, int most, Budget.Permit permit) {
        try {
            return switch (encoding.toLowerCase(Locale.ROOT)) {
                case "gzip", "x-gzip" ->
                    inflate(context, new GZIPInputStream(new ByteArrayInputStream(body)), most, permit);
                case "deflate" -> inflate(context, deflated(body), most, permit);
                case "zstd" -> inflate(context, zstd(body), most, permit);
                default -> Future.succeededFuture(body);
            };
        } catch (IOException e) {
            return Future.failedFuture(broken(e));
        }
    }

    private static Future<byte[]> inflate(Context context, InputStream in, int most, Budget.Permit permit) {
        Inflation inflation = new Inflation(context, in, most, permit);
        inflation.turn();
        return inflation.done.future();
    }

    private static InputStream zstd(byte[] body) throws IOException {
        return new ZstdInputStream(new ByteArrayInputStream(body)).setLongMax(ZSTD_WINDOW_LOG);
    }

    /** RFC 9110 means the zlib format; some senders leave its header away. */
    private static InputStream deflated(byte[] body) {
        boolean zlib =
                body.length >= 2 && (body[0] & 0x0f) == 8 && (((body[0] & 0xff) << 8) | (body[1] & 0xff)) % 31 == 0;
        Inflater inflater = new Inflater(!zlib);
        return new InflaterInputStream(new ByteArrayInputStream(body), inflater) {
            @Override
            public void close() throws IOException {
                super.close();
                inflater.end();
            }
        };
    }

    private void turn() {
        try {
            for (int i = 0; i < PIECES_A_TURN; i++) {
                int read = in.read(piece);
                if (read < 0) {
                    finish();
                    return;
                }
                if (out.size() + read > most) {
                    refuse(Refusal.of(INFLATED_TOO_LARGE, "Send at most " + most + " bytes, inflated."));
                    return;
                }
                if (!permit.claim(read) || !permit.grow(read)) {
                    refuse(Admission.OVERLOAD);
                    return;
                }
                out.write(piece, 0, read);
            }
            context.runOnContext(ignored -> turn());
        } catch (IOException e) {
            done.fail(broken(e));
        }
    }

    private void refuse(Refusal refusal) throws IOException {
        in.close();
        done.fail(refusal.asException());
    }

    private void finish() throws IOException {
        in.close();
        done.complete(out.toByteArray());
    }

    private static RefusedException broken(IOException cause) {
        return Refusal.of(INVALID_ENCODING, "The body cannot be inflated: " + cause.getMessage() + ".")
                .asException();
    }
}
