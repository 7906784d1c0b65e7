package dev.sluice.gateway;

import static org.apache.activemq.store.kahadb.disk.journal.Journal.BATCH_CONTROL_RECORD_HEADER;
import static org.apache.activemq.store.kahadb.disk.journal.Journal.BATCH_CONTROL_RECORD_SIZE;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.Adler32;

/**
 * Makes a damaged segment one that KahaDB's journal can read around: it skips a batch whose checksum is wrong, but takes
 * one whose length is wrong for the end of the segment. A batch is its header, its length (4 bytes), its Adler-32 (8
 * bytes) and that many bytes; no event holds a header, for JSON has no control characters.
 */
final class SpoolSegment {
    private static final int WRONG_CHECKSUM = 1;

    /** Called before the file is changed. */
    interface Backup {
        void copy(Path segment) throws IOException;
    }

    private SpoolSegment() {}

    static void align(Path file, Backup backup) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        boolean changed = false;
        int at = 0;
        while (at >= 0) {
            int end = endOfBatch(bytes, at);
            if (end >= 0) {
                at = end;
                continue;
            }
            int next = nextHeader(bytes, at + 1);
            if (next - at >= BATCH_CONTROL_RECORD_SIZE) {
                ByteBuffer.wrap(bytes, at, BATCH_CONTROL_RECORD_SIZE)
                        .put(BATCH_CONTROL_RECORD_HEADER)
                        .putInt(next - at - BATCH_CONTROL_RECORD_SIZE)
                        .putLong(WRONG_CHECKSUM);
                changed = true;
            }
            at = next;
        }
        if (changed) {
            backup.copy(file);
            Files.write(file, bytes);
        }
    }

    /** Of the whole batch at that place; -1 where there is none. */
    private static int endOfBatch(byte[] bytes, int at) {
        int start = at + BATCH_CONTROL_RECORD_SIZE;
        if (start > bytes.length || !startsWithHeader(bytes, at)) {
            return -1;
        }
        ByteBuffer fields = ByteBuffer.wrap(bytes).position(at + BATCH_CONTROL_RECORD_HEADER.length);
        int length = fields.getInt();
        if (length <= 0 || length > bytes.length - start) {
            return -1;
        }
        Adler32 checksum = new Adler32();
        checksum.update(bytes, start, length);
        return checksum.getValue() == fields.getLong() ? start + length : -1;
    }

    private static int nextHeader(byte[] bytes, int from) {
        for (int i = from; i <= bytes.length - BATCH_CONTROL_RECORD_HEADER.length; i++) {
            if (startsWithHeader(bytes, i)) {
                return i;
            }
        }
        return -1;
    }

    private static boolean startsWithHeader(byte[] bytes, int at) {
        if (at + BATCH_CONTROL_RECORD_HEADER.length > bytes.length) {
            return false;
        }
        for (int i = 0; i < BATCH_CONTROL_RECORD_HEADER.length; i++) {
            if (bytes[at + i] != BATCH_CONTROL_RECORD_HEADER[i]) {
                return false;
            }
        }
        return true;
    }
}
