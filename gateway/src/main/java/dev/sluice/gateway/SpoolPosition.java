package dev.sluice.gateway;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How far a spool was delivered: the next event's number, and its place in the journal. Written over in place, so that a
 * full disk cannot hinder it; a position that is lost or late costs repetitions, not events.
 */
final class SpoolPosition implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SpoolPosition.class);
    private static final int VALUES = 3 * Long.BYTES;

    private final FileChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocate(VALUES + Long.BYTES);
    private long number;
    private int file;
    private int offset;
    private boolean known;

    SpoolPosition(Path path) throws IOException {
        channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        if (channel.size() > 0 && channel.read(buffer, 0) == buffer.capacity() && buffer.getLong(VALUES) == crc()) {
            number = buffer.getLong(0);
            file = (int) buffer.getLong(Long.BYTES);
            offset = (int) buffer.getLong(2 * Long.BYTES);
            known = true;
        } else if (channel.size() > 0) {
            LOG.warn("{} cannot be read: all that the spool holds is sent to Kafka, some of it again", path);
        }
    }

    /** Whether there was one to read. */
    boolean isKnown() {
        return known;
    }

    /** Of the next event to deliver. */
    long number() {
        return number;
    }

    /** The segment's number, from 1; 0 for the first there is. */
    int file() {
        return file;
    }

    int offset() {
        return offset;
    }

    void move(long toNumber, int toFile, int toOffset) throws IOException {
        number = toNumber;
        file = toFile;
        offset = toOffset;
        buffer.clear().putLong(toNumber).putLong(toFile).putLong(toOffset).putLong(crc());
        channel.write(buffer.flip(), 0);
    }

    private long crc() {
        CRC32C crc = new CRC32C();
        crc.update(buffer.array(), 0, VALUES);
        return crc.getValue();
    }

    @Override
    public void close() throws IOException {
        try (FileChannel open = channel) {
            open.force(true);
        }
    }
}
