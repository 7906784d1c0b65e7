package dev.sluice.gateway;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.apache.activemq.store.kahadb.disk.journal.Location;
import org.apache.activemq.util.ByteSequence;

/**
 * A group of events as one record of the spool's journal: a format byte, the first event's number, how many there are,
 * and of each the receive time, the trace where the format has it, type, key and value. The journal adds length and
 * checksum.
 */
final class SpoolRecord {
    /** An event that is to be kept. */
    record Arrival(Event event, long receivedMillis, TraceContext trace) {
        /** Bytes that it takes, at most about. */
        int bytes() {
            String key = event.key();
            return FIXED_BYTES
                    + trace.length()
                    + event.value().length
                    + event.type().length()
                    + (key == null ? 0 : 3 * key.length());
        }
    }

    /**
     * An event that was read back.
     *
     * @param group where its record is
     * @param isLast whether it is the last of its record
     */
    record Entry(long number, Arrival arrival, Location group, boolean isLast) {}

    private static final byte UNTRACED = 1;

    /** Written only where there is a trace, so that an earlier release can read what has none. */
    private static final byte TRACED = 2;

    private static final int NO_KEY = -1;
    /** Of an event beside its trace, type, key and value. */
    private static final int FIXED_BYTES = 32;

    private SpoolRecord() {}

    static byte[] encode(long firstNumber, List<Arrival> arrivals) throws IOException {
        int size = arrivals.stream().mapToInt(Arrival::bytes).sum();
        boolean traced = !arrivals.stream().allMatch(arrival -> arrival.trace().isNone());
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(FIXED_BYTES + size);
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeByte(traced ? TRACED : UNTRACED);
        out.writeLong(firstNumber);
        out.writeInt(arrivals.size());
        for (Arrival arrival : arrivals) {
            Event event = arrival.event();
            String key = event.key();
            out.writeLong(arrival.receivedMillis());
            if (traced) {
                out.writeUTF(arrival.trace().parent());
                out.writeUTF(arrival.trace().state());
            }
            out.writeUTF(event.type());
            if (key == null) {
                out.writeInt(NO_KEY);
            } else {
                write(out, key.getBytes(StandardCharsets.UTF_8));
            }
            write(out, event.value());
        }
        return bytes.toByteArray();
    }

    private static void write(DataOutputStream out, byte[] bytes) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    /** One entry at least, in the order of their numbers. */
    static Deque<Entry> decode(ByteSequence record, Location group) throws IOException {
        DataInputStream in =
                new DataInputStream(new ByteArrayInputStream(record.getData(), record.getOffset(), record.getLength()));
        byte format = in.readByte();
        if (format != UNTRACED && format != TRACED) {
            throw new IOException(
                    "format " + format + " is of another release; " + UNTRACED + " and " + TRACED + " are read here");
        }
        long number = in.readLong();
        int count = in.readInt();
        Deque<Entry> entries = new ArrayDeque<>(count);
        for (int i = 0; i < count; i++) {
            long receivedMillis = in.readLong();
            TraceContext trace = format == TRACED ? readTrace(in) : TraceContext.NONE;
            String type = in.readUTF();
            int keyLength = in.readInt();
            String key = keyLength == NO_KEY ? null : new String(in.readNBytes(keyLength), StandardCharsets.UTF_8);
            byte[] value = in.readNBytes(in.readInt());
            Arrival arrival = new Arrival(new Event(value, type, key), receivedMillis, trace);
            entries.add(new Entry(number + i, arrival, group, i == count - 1));
        }
        return entries;
    }

    private static TraceContext readTrace(DataInputStream in) throws IOException {
        String parent = in.readUTF();
        String state = in.readUTF();
        return parent.isEmpty() ? TraceContext.NONE : new TraceContext(parent, state);
    }
}
