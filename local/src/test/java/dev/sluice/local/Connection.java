package dev.sluice.local;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * Sends events over one connection that is kept open. The JDK's own client takes more of the processors than the gateway
 * under test does, which then cannot be sent twice what it takes on one machine.
 */
final class Connection implements AutoCloseable {
    private static final int PATIENCE_MILLIS = (int) Duration.ofSeconds(40).toMillis();
    private static final String LENGTH = "content-length:";
    private static final String CLOSE = "connection: close";

    private final List<Integer> ports;
    private Socket socket;
    private InputStream answers;

    Connection(List<Integer> ports) {
        this.ports = ports;
    }

    /**
     * @return the status; 0 for no answer
     */
    int post(String event) {
        try {
            if (socket == null && !connect()) {
                return 0;
            }
            String request = "POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + event.length()
                    + "\r\n\r\n" + event;
            socket.getOutputStream().write(request.getBytes(ISO_8859_1));
            return answer();
        } catch (IOException cutOff) {
            close();
            return 0;
        }
    }

    @Override
    public void close() {
        try {
            if (socket != null) {
                socket.close();
            }
        } catch (IOException closedAnyway) {
            // it carries nothing any more
        }
        socket = null;
    }

    /** A refused connection has carried nothing, so that the next port may be tried. */
    private boolean connect() throws IOException {
        for (int port : ports) {
            try {
                socket = new Socket("localhost", port);
                socket.setTcpNoDelay(true);
                socket.setSoTimeout(PATIENCE_MILLIS);
                answers = new BufferedInputStream(socket.getInputStream());
                return true;
            } catch (ConnectException nobodyThere) {
                // the next one
            }
        }
        return false;
    }

    private int answer() throws IOException {
        int status = Integer.parseInt(line().split(" ")[1]);
        int length = 0;
        boolean last = false;
        for (String header = line(); !header.isEmpty(); header = line()) {
            String lower = header.toLowerCase(Locale.ROOT);
            last |= lower.equals(CLOSE);
            if (lower.startsWith(LENGTH)) {
                length = Integer.parseInt(lower.substring(LENGTH.length()).trim());
            }
        }
        answers.skipNBytes(length);
        if (last) {
            close();
        }
        return status;
    }

    private String line() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next = answers.read(); next != '\n'; next = answers.read()) {
            if (next < 0) {
                throw new EOFException("the connection ended within an answer");
            }
            if (next != '\r') {
                line.append((char) next);
            }
        }
        return line.toString();
    }
}
