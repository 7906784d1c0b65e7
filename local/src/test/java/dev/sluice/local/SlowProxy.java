package dev.sluice.local;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A process between a client and a server that lets only so many bytes a second through to the server, of all connections
 * together. It reads no more than it may pass on, and its buffers are small: TCP stops the client.
 */
final class SlowProxy {
    private static final int BUFFER_BYTES = 16 * 1024;
    /** Bytes that may pass at once after a pause. */
    private static final long BURST_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final int target;
    private final Object turn = new Object();
    private volatile long bytesPerSecond;
    private long free = System.nanoTime();

    private SlowProxy(int target, long bytesPerSecond) {
        this.target = target;
        this.bytesPerSecond = bytesPerSecond;
    }

    /**
     * Takes the port to listen on, that of the server, and bytes per second, 0 for as many as come. Each line of standard
     * input is another such number from then on; its end is the end of the process.
     */
    public static void main(String[] arguments) throws IOException {
        SlowProxy proxy = new SlowProxy(Integer.parseInt(arguments[1]), Long.parseLong(arguments[2]));
        ServerSocket server = new ServerSocket();
        server.setReceiveBufferSize(BUFFER_BYTES);
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(arguments[0])));
        start(() -> proxy.accept(server));
        BufferedReader settings = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line = settings.readLine(); line != null; line = settings.readLine()) {
            proxy.bytesPerSecond = Long.parseLong(line);
        }
        System.exit(0);
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void start(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException ended) {
                // one side has hung up, and the other was told
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    private void accept(ServerSocket server) throws IOException {
        while (true) {
            Socket client = server.accept();
            start(() -> connect(client));
        }
    }

    private void connect(Socket client) throws IOException {
        try (client;
                Socket broker = new Socket(InetAddress.getLoopbackAddress(), target)) {
            client.setTcpNoDelay(true);
            broker.setTcpNoDelay(true);
            start(() -> {
                try (client) {
                    broker.getInputStream().transferTo(client.getOutputStream());
                }
            });
            passOn(client, broker.getOutputStream());
        }
    }

    private void passOn(Socket client, OutputStream out) throws IOException {
        byte[] buffer = new byte[BUFFER_BYTES];
        for (int read = client.getInputStream().read(buffer);
                read >= 0;
                read = client.getInputStream().read(buffer)) {
            awaitTurn(read);
            out.write(buffer, 0, read);
        }
    }

    /** One after another, each for as long as its bytes take. */
    private void awaitTurn(int bytes) {
        synchronized (turn) {
            long rate = bytesPerSecond;
            if (rate > 0) {
                free = Math.max(free, System.nanoTime() - BURST_NANOS) + TimeUnit.SECONDS.toNanos(bytes) / rate;
                for (long wait = free - System.nanoTime(); wait > 0; wait = free - System.nanoTime()) {
                    LockSupport.parkNanos(wait);
                }
            }
        }
    }
}
