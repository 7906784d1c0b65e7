package dev.sluice.local;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** Many who read the stream of counts, on one thread, and do nothing with it. */
final class CountsReaders implements AutoCloseable {
    private static final int BUFFER_BYTES = 256 * 1024;

    private final Selector selector = Selector.open();
    private final List<SocketChannel> channels = new ArrayList<>();
    private final AtomicLong bytes = new AtomicLong();
    private final Thread thread = new Thread(this::read, "readers");

    /** @param port the gateway's private one */
    CountsReaders(int port, int readers) throws IOException {
        byte[] request = ("GET /api/counts/stream HTTP/1.1\r\nHost: localhost\r\n\r\n").getBytes(US_ASCII);
        for (int i = 0; i < readers; i++) {
            SocketChannel channel = SocketChannel.open(new InetSocketAddress("localhost", port));
            channels.add(channel);
            channel.write(ByteBuffer.wrap(request));
            channel.configureBlocking(false);
            channel.register(selector, SelectionKey.OP_READ);
        }
        thread.start();
    }

    /** That all of them have read. */
    long bytes() {
        return bytes.get();
    }

    private void read() {
        ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
        try {
            while (!Thread.currentThread().isInterrupted()) {
                selector.select(key -> read((SocketChannel) key.channel(), key, buffer));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void read(SocketChannel channel, SelectionKey key, ByteBuffer buffer) {
        try {
            int read = channel.read(buffer.clear());
            if (read < 0) {
                key.cancel();
            } else {
                bytes.addAndGet(read);
            }
        } catch (IOException cutOff) {
            key.cancel();
        }
    }

    @Override
    public void close() throws IOException, InterruptedException {
        thread.interrupt();
        thread.join();
        selector.close();
        for (SocketChannel channel : channels) {
            channel.close();
        }
    }
}
