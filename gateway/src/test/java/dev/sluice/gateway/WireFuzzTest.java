package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.sluice.events.Golden;
import io.netty.pkitesting.X509Bundle;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** What is no HTTP, or no TLS: whatever comes over the wire, the gateway answers less than 500 or nothing, and goes on. */
@ExtendWith(EventLoopWatch.class)
class WireFuzzTest {
    private static final int CONNECTIONS = 2_000;
    private static final int HANDSHAKES = 1_000;
    private static final long SEED = Long.getLong("fuzz.seed", System.nanoTime());
    private static final Pattern STATUS = Pattern.compile("^HTTP/1\\.[01] (\\d{3}) ", Pattern.MULTILINE);
    private static final int PATIENCE_MILLIS = 20_000;

    private static final String[] HEADS = {
        "POST /api/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n{\"event_type\":\"a\"}",
        "POST /api/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n12\r\n{\"event_type\":\"a\"}\r\n0\r\n\r\n",
        "GET /api/events.gif?event_type=a&b=%2F HTTP/1.1\r\nHost: x\r\nX-API-Key: a.b\r\nAuthorization: Bearer a.b.c\r\n\r\n",
        "OPTIONS /api/events HTTP/1.1\r\nHost: x\r\nOrigin: https://shop.example\r\nAccess-Control-Request-Method: POST\r\n\r\n",
        "POST /api/events HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAA\r\nContent-Length: 18\r\n\r\n{\"event_type\":\"a\"}",
        "GET /openapi.yaml HTTP/1.0\r\nConnection: keep-alive\r\nContent-Encoding: gzip\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\u0012\u0004\0\0\0\0\0\0\u0003\0\0\0\u0064\0\u0004\0\0\u00ff\u00ff\0\0\u0004\u0001\u0005\0\0\0\u0001\u0082\u0086\u0084\u0041",
    };
    private static final String[] PIECES = {
        "\0",
        "\r",
        "\n",
        "\r\n",
        "\r\n\r\n",
        ":",
        " ",
        "%",
        "%zz",
        "../",
        "\u00ff",
        "Content-Length: 9\r\n",
        "Content-Length: -1\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: x\r\n",
        "Expect: 100-continue\r\n",
        "Upgrade: h2c\r\nHTTP2-Settings: AAAA\r\n",
        "ffffffff\r\n",
        "traceparent: 00-x\r\n",
        "X: " + "y".repeat(9_000) + "\r\n",
        "Host: y\r\n",
    };

    @TempDir
    static Path folder;

    private static final ListAppender<ILoggingEvent> LOG = new ListAppender<>();
    private static X509Bundle authority;
    private static Fixture plain;
    private static Fixture secure;

    @BeforeAll
    static void start() throws Exception {
        System.out.println("Fuzz seed: " + SEED + " (-Dfuzz.seed=… repeats it)");
        plain = new Fixture(folder.resolve("plain"), Map.of("CORS_ORIGINS", "https://shop.example"));
        authority = Pki.authority("any");
        Path keys = folder.resolve("keys.json");
        NewApiKey.add(keys, "a", java.util.List.of(), null, Quota.NONE);
        Map<String, String> variables = new HashMap<>(Pki.files(folder, Pki.server(authority)));
        Path clients = folder.resolve("clients.pem");
        Pki.replace(clients, authority.getCertificatePEM());
        variables.putAll(Map.of("TLS_CLIENT_CA", clients.toString(), "API_KEYS_FILE", keys.toString()));
        secure = new Fixture(folder.resolve("secure"), variables);
        LOG.start();
        ((Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME)).addAppender(LOG);
    }

    @AfterAll
    static void stop() throws Exception {
        secure.close();
        plain.close();
    }

    @Test
    void requests_thatAreNone_areAnsweredOrNot_andNothingIsLeft() throws Exception {
        Random random = new Random(SEED);
        for (int i = 0; i < CONNECTIONS; i++) {
            byte[] sent = mutated(random, HEADS[random.nextInt(HEADS.length)].getBytes(ISO_8859_1));
            try (Socket socket = new Socket("127.0.0.1", plain.settings.httpPort())) {
                assertAnswers(socket, sent);
            }
        }
        assertThat(plain.post("application/json", Golden.PROTOTYPE).statusCode())
                .isEqualTo(202);
        await().atMost(Duration.ofSeconds(30))
                .until(() ->
                        plain.metric("sluice_requests_in_flight") == 0 && plain.metric("sluice_in_flight_bytes") == 0);
        assertNoErrors();
    }

    @Test
    void handshakes_thatAreNone_areRefused_andTheNextOneIsNot() throws Exception {
        Random random = new Random(SEED);
        for (int i = 0; i < HANDSHAKES; i++) {
            byte[] hello = hello(random.nextBoolean() ? "TLSv1.3" : "TLSv1.2");
            byte[] sent = random.nextInt(20) == 0 ? HEADS[0].getBytes(ISO_8859_1) : mutated(random, hello);
            try (Socket socket = new Socket("127.0.0.1", secure.settings.httpPort())) {
                send(socket, sent);
                socket.shutdownOutput();
                read(socket);
            }
        }
        try (Socket socket = context().getSocketFactory().createSocket("localhost", secure.settings.httpPort())) {
            assertThat(assertAnswers(socket, HEADS[0].getBytes(ISO_8859_1))).startsWith("HTTP/1.1 401 ");
        }
        assertNoErrors();
    }

    @Test
    void requestsThatAreNone_overTls_areAnsweredOrNot() throws Exception {
        Random random = new Random(SEED);
        for (int i = 0; i < HANDSHAKES / 8; i++) {
            byte[] sent = mutated(random, HEADS[random.nextInt(HEADS.length)].getBytes(ISO_8859_1));
            try (Socket socket = context().getSocketFactory().createSocket("localhost", secure.settings.httpPort())) {
                assertAnswers(socket, sent);
            }
        }
        await().atMost(Duration.ofSeconds(30)).until(() -> secure.metric("sluice_requests_in_flight") == 0);
        assertNoErrors();
    }

    /** An end of a connection is its sender's, and nothing that an operator has to look at. */
    private static void assertNoErrors() {
        assertThat(LOG.list)
                .filteredOn(event -> event.getLevel().isGreaterOrEqual(Level.ERROR))
                .extracting(ILoggingEvent::getFormattedMessage)
                .as("seed " + SEED)
                .isEmpty();
    }

    /** Everything that comes back. */
    private static String assertAnswers(Socket socket, byte[] sent) throws IOException {
        send(socket, sent);
        if (!(socket instanceof javax.net.ssl.SSLSocket)) {
            socket.shutdownOutput();
        } else {
            // nobody waits for the rest of a body that is not sent
            socket.setSoTimeout(200);
        }
        String answers = read(socket);
        Matcher status = STATUS.matcher(answers);
        while (status.find()) {
            // 501 is Vert.x's answer to a version of HTTP that there is not
            assertThat(status.group(1))
                    .as("seed " + SEED + ": " + new String(sent, ISO_8859_1))
                    .matches("100|[234]\\d\\d|501");
        }
        return answers;
    }

    private static void send(Socket socket, byte[] sent) throws IOException {
        socket.setSoTimeout(PATIENCE_MILLIS);
        try {
            socket.getOutputStream().write(sent);
            socket.getOutputStream().flush();
        } catch (SocketException | SSLException closed) {
            // it had seen enough
        }
    }

    private static String read(Socket socket) throws IOException {
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        try {
            InputStream in = socket.getInputStream();
            byte[] buffer = new byte[8_192];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                answer.write(buffer, 0, n);
            }
        } catch (SocketException | SSLException closed) {
            // reset instead of ended
        } catch (java.net.SocketTimeoutException waits) {
            assertThat(socket).as("seed " + SEED + ": left open").isInstanceOf(javax.net.ssl.SSLSocket.class);
        }
        return answer.toString(ISO_8859_1);
    }

    private static byte[] mutated(Random random, byte[] sample) throws IOException {
        byte[] bytes = sample;
        int changes = random.nextInt(4);
        for (int i = 0; i < changes; i++) {
            int at = random.nextInt(bytes.length + 1);
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            out.write(bytes, 0, at);
            switch (random.nextInt(4)) {
                case 0 -> out.write(PIECES[random.nextInt(PIECES.length)].getBytes(ISO_8859_1));
                case 1 -> {
                    byte[] noise = new byte[random.nextInt(40)];
                    random.nextBytes(noise);
                    out.write(noise);
                }
                case 2 -> out.write(random.nextInt(256));
                default -> at = Math.min(bytes.length, at + random.nextInt(10));
            }
            out.write(bytes, at, bytes.length - at);
            bytes = out.toByteArray();
        }
        return bytes;
    }

    /** What a client says first. */
    private static byte[] hello(String version) throws Exception {
        SSLEngine engine = context().createSSLEngine("localhost", 443);
        engine.setEnabledProtocols(new String[] {version});
        engine.setUseClientMode(true);
        ByteBuffer out = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
        engine.beginHandshake();
        engine.wrap(ByteBuffer.allocate(0), out);
        byte[] hello = new byte[out.flip().remaining()];
        out.get(hello);
        return hello;
    }

    private static SSLContext context() throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {authority.toTrustManager()}, null);
        return context;
    }
}
