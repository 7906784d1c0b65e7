package dev.sluice.local;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** Connections that are dropped, half open, slow, reset, and never read, by the hundred. */
final class BadClients implements AutoCloseable {
    private static final String HEAD = "POST /api/events HTTP/1.1\r\nHost: x\r\n";
    private static final String EVENT = "{\"event_type\":\"bad_client\"}";
    private static final String WHOLE = HEAD + "Content-Length: " + EVENT.length() + "\r\n\r\n" + EVENT;
    private static final String BEGUN = HEAD + "Content-Length: 1000\r\n\r\n{";
    private static final int UNREAD = 20;
    /** Waves whose connections stay open. */
    private static final int OPEN_WAVES = 2;

    private final int port;
    private final Deque<List<Socket>> open = new ArrayDeque<>();
    private List<Socket> slow = List.of();
    private int connections;

    BadClients(int port) {
        this.port = port;
    }

    /** So many connections of each kind; those that stay open do so until the wave after the next. */
    void wave(int ofAKind) throws IOException {
        List<Socket> staying = new ArrayList<>();
        List<Socket> slowOnes = new ArrayList<>();
        for (int i = 0; i < ofAKind; i++) {
            connect().close();
            staying.add(say("POST /api/ev"));
            slowOnes.add(say(BEGUN));
            // never reads its answers
            staying.add(say(WHOLE.repeat(UNREAD)));
            Socket reset = say(BEGUN);
            reset.setSoLinger(true, 0);
            reset.close();
        }
        trickle();
        slow = slowOnes;
        staying.addAll(slowOnes);
        open.add(staying);
        if (open.size() > OPEN_WAVES) {
            close(open.remove());
        }
    }

    int connections() {
        return connections;
    }

    @Override
    public void close() throws IOException {
        for (List<Socket> wave : open) {
            close(wave);
        }
    }

    /** Another byte of each slow body of the wave before, where the gateway has not ended the connection. */
    private void trickle() {
        for (Socket socket : slow) {
            try {
                socket.getOutputStream().write(' ');
            } catch (IOException ended) {
                // as it should be
            }
        }
    }

    private Socket say(String text) throws IOException {
        Socket socket = connect();
        socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
        return socket;
    }

    private Socket connect() throws IOException {
        connections++;
        return new Socket("localhost", port);
    }

    private static void close(List<Socket> sockets) throws IOException {
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}
