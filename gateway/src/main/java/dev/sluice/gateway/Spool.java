package dev.sluice.gateway;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.activemq.store.kahadb.disk.journal.DataFile;
import org.apache.activemq.store.kahadb.disk.journal.Journal;
import org.apache.activemq.store.kahadb.disk.journal.Journal.PreallocationScope;
import org.apache.activemq.store.kahadb.disk.journal.Location;
import org.apache.activemq.store.kahadb.disk.util.Sequence;
import org.apache.activemq.util.ByteSequence;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Events on disk, first in, first out, in segments of KahaDB's journal, a group of events a record. Each has a number, one
 * more than that of the event before it, so that what a damaged segment lost is known to the event. Blocks; for one
 * thread, but for {@link #state}, {@link #bytes} and {@link #missing}.
 */
final class Spool implements AutoCloseable {
    /** Whether it can take events. */
    enum State {
        OPEN,
        FULL,
        /** Its disk failed within the last second. */
        FAILED
    }

    /** The least that {@code most} may be: a segment is given back as a whole, and there are two at least. */
    static final int LEAST_BYTES = 32 * 1024 * 1024;

    /** Of a group; one event more may follow. */
    static final int GROUP_BYTES = 1024 * 1024;

    private static final Logger LOG = LoggerFactory.getLogger(Spool.class);
    private static final int SEGMENT_BYTES = 8 * 1024 * 1024;
    private static final Pattern SEGMENT = Pattern.compile("db-\\d+\\.log");
    private static final long COOL_DOWN_NANOS = Duration.ofSeconds(1).toNanos();

    private final Path folder;
    private final long most;
    private final FileChannel lockFile;
    private final SpoolPosition position;
    private final Journal journal = new Journal();
    private final Deque<SpoolRecord.Entry> group = new ArrayDeque<>();
    private final Set<Path> setAside = new HashSet<>();
    private @Nullable Location cursor;
    private long nextNumber;
    private long expected;
    private boolean unsure;
    private volatile long failedAt = System.nanoTime() - COOL_DOWN_NANOS;
    private volatile long bytes;
    private final AtomicLong missing = new AtomicLong();

    /**
     * Recovers what an earlier process left.
     *
     * @param most bytes on disk, {@link #LEAST_BYTES} at least
     * @throws IOException where the folder cannot be used
     */
    Spool(Path folder, long most) throws IOException {
        this.folder = folder;
        this.most = most;
        Files.createDirectories(folder);
        this.lockFile = lock(folder.resolve("lock"));
        this.position = new SpoolPosition(folder.resolve("position"));
        journal.setDirectory(folder.toFile());
        journal.setMaxFileLength(SEGMENT_BYTES);
        journal.setWriteBatchSize(GROUP_BYTES);
        journal.setPreallocationScope(PreallocationScope.NONE);
        journal.setChecksum(true);
        journal.setCheckForCorruptionOnStartup(true);
        for (Path segment : segments()) {
            SpoolSegment.align(segment, this::setAside);
        }
        journal.start();
        recover();
    }

    private static FileChannel lock(Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException e) {
            lock = null;
        }
        if (lock == null) {
            channel.close();
            throw new IOException("another gateway uses it; give each a folder of its own");
        }
        return channel;
    }

    private List<Path> segments() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file ->
                            SEGMENT.matcher(file.getFileName().toString()).matches())
                    .toList();
        }
    }

    private void recover() throws IOException {
        List<DataFile> segments = List.copyOf(journal.getFileMap().values());
        for (DataFile segment : segments) {
            if (!segment.getCorruptedBlocks().isEmpty()) {
                if (segment.equals(segments.get(segments.size() - 1)) && isTail(segment)) {
                    cutTail(segment);
                } else {
                    setAside(segment.getFile().toPath());
                }
            }
        }
        Location first = journal.getNextLocation(null);
        if (!position.isKnown() && first != null) {
            position.move(read(first).getFirst().number(), 0, 0);
        }
        expected = position.number();
        DataFile current = journal.getDataFileById(position.file());
        if (current != null && position.offset() <= current.getLength()) {
            cursor = new Location(position.file(), position.offset());
        } else {
            // what was delivered is known by its number; a new segment may come to bear this one's name
            position.move(expected, 0, 0);
        }
        nextNumber = Math.max(expected, lastNumber(segments) + 1);
        measure();
        if (size() > 0) {
            LOG.info("The spool {} holds {} events of an earlier run: they go to Kafka first", folder, size());
        }
    }

    /** Whether what cannot be read is all that comes after what can. */
    private static boolean isTail(DataFile segment) {
        Sequence only = segment.getCorruptedBlocks().getHead();
        return segment.getCorruptedBlocks().getTail() == only && only.getFirst() >= segment.getLength();
    }

    private static void cutTail(DataFile segment) throws IOException {
        long cut = segment.getFile().length() - segment.getLength();
        truncate(segment);
        segment.getCorruptedBlocks().clear();
        LOG.warn(
                "{}: the last {} bytes were not written to their end and are cut off; no event was answered for them",
                segment.getFile(),
                cut);
    }

    private void setAside(Path segment) throws IOException {
        if (!setAside.add(segment)) {
            return;
        }
        Path copy = folder.resolve("corrupt").resolve(segment.getFileName() + "-" + System.currentTimeMillis());
        Files.createDirectories(copy.getParent());
        Files.copy(segment, copy);
        LOG.error(
                "{} is damaged; a copy is set aside as {}. The events that can be read go to Kafka, and those that are"
                        + " missing are counted when their turn comes",
                segment,
                copy);
    }

    /** The number of the last event, -1 for none. */
    private long lastNumber(List<DataFile> segments) throws IOException {
        for (int i = segments.size() - 1; i >= 0; i--) {
            int file = segments.get(i).getDataFileId();
            Location last = null;
            Location next = journal.getNextLocation(new Location(file, 0));
            while (next != null && next.getDataFileId() == file) {
                last = next;
                next = journal.getNextLocation(last);
            }
            if (last != null) {
                return read(last).getLast().number();
            }
        }
        return -1;
    }

    private Deque<SpoolRecord.Entry> read(Location location) throws IOException {
        return SpoolRecord.decode(journal.read(location), location);
    }

    State state() {
        if (System.nanoTime() - failedAt < COOL_DOWN_NANOS) {
            return State.FAILED;
        }
        return bytes + SEGMENT_BYTES + GROUP_BYTES <= most ? State.OPEN : State.FULL;
    }

    /** Bytes on disk. */
    long bytes() {
        return bytes;
    }

    /** Events that were kept and cannot be read any more. */
    long missing() {
        return missing.get();
    }

    /** Events that are kept and were not {@link #delivered}. */
    long size() {
        return nextNumber - position.number();
    }

    /**
     * Keeps a group of events: they are on disk when this returns.
     *
     * @throws IOException when none of them is kept; but see {@link #isUnsure}
     */
    void append(List<SpoolRecord.Arrival> arrivals) throws IOException {
        if (state() == State.FAILED) {
            throw new IOException("the disk failed a moment ago");
        }
        cutFailed();
        try {
            DataFile before = current();
            boolean isNew = before.getLength() == 0;
            journal.write(new ByteSequence(SpoolRecord.encode(nextNumber, arrivals)), true);
            if (isNew || !current().equals(before)) {
                forceFolder();
            }
        } catch (IOException e) {
            failedAt = System.nanoTime();
            unsure = true;
            cutFailed();
            throw e;
        }
        nextNumber += arrivals.size();
        measure();
    }

    /** Whether the last {@link #append} that failed may have kept its events all the same. */
    boolean isUnsure() {
        return unsure;
    }

    /** Cuts off what a failed write left: none of it may come back after a crash. */
    private void cutFailed() throws IOException {
        if (unsure) {
            truncate(current());
            journal.allowIOResumption();
            unsure = false;
        }
    }

    private static void truncate(DataFile segment) throws IOException {
        try (FileChannel channel =
                FileChannel.open(segment.getFile().toPath(), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            channel.truncate(segment.getLength()).force(true);
        }
    }

    private DataFile current() {
        return Objects.requireNonNull(journal.getDataFileById(journal.getCurrentDataFileId()));
    }

    /** A new segment's name has to reach the disk as well. */
    private void forceFolder() throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** Not by the journal's own sum, which counts what failed as well. */
    private void measure() {
        bytes = journal.getFileMap().values().stream()
                .mapToLong(DataFile::getLength)
                .sum();
    }

    /** The event after the one that was read last; null for none. */
    SpoolRecord.@Nullable Entry read() throws IOException {
        while (true) {
            while (group.isEmpty()) {
                Location next = journal.getNextLocation(cursor);
                if (next == null) {
                    return null;
                }
                group.addAll(read(next));
                cursor = next;
            }
            SpoolRecord.Entry entry = group.removeFirst();
            if (entry.number() >= expected) {
                noteMissing(entry.number() - expected, entry);
                expected = entry.number() + 1;
                return entry;
            }
        }
    }

    private void noteMissing(long count, SpoolRecord.Entry before) {
        if (count > 0) {
            missing.addAndGet(count);
            LOG.error("{} events of the spool {} are missing before its event {}", count, folder, before.number());
        }
    }

    /** Everything up to this event is in Kafka; gives the segments before it back. */
    void delivered(SpoolRecord.Entry entry) throws IOException {
        Location at = entry.group();
        position.move(entry.number() + 1, at.getDataFileId(), at.getOffset() + (entry.isLast() ? at.getSize() : 0));
        Set<Integer> done = journal.getFileMap().keySet().stream()
                .filter(file -> file < at.getDataFileId())
                .collect(Collectors.toSet());
        if (!done.isEmpty()) {
            journal.removeDataFiles(done);
            measure();
        }
    }

    @Override
    public void close() throws IOException {
        try (FileChannel lock = lockFile;
                SpoolPosition last = position) {
            journal.close();
        }
    }
}
