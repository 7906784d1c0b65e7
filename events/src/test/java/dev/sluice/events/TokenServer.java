package dev.sluice.events;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.Base64;

/** Gives signed tokens (JWT) to a client with the right secret, as OAuth's client credentials grant has it. */
public final class TokenServer implements AutoCloseable {
    static final String ISSUER = "https://login.example";
    static final String AUDIENCE = "kafka";
    static final String CLIENT = "sluice";
    private static final int LIFE_SECONDS = 3_600;
    private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();

    private final KeyPair keys;
    private final String secret;
    private final HttpServer server;

    TokenServer(String secret) throws IOException, GeneralSecurityException {
        this.keys = KeyPairGenerator.getInstance("RSA").generateKeyPair();
        this.secret = secret;
        this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/token", this::answer);
        server.start();
    }

    public String url() {
        return "http://localhost:" + server.getAddress().getPort() + "/token";
    }

    /** The key that the tokens are checked with. */
    String jwks() {
        RSAPublicKey key = (RSAPublicKey) keys.getPublic();
        return "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"1\",\"alg\":\"RS256\",\"use\":\"sig\",\"n\":\""
                + number(key.getModulus()) + "\",\"e\":\"" + number(key.getPublicExponent()) + "\"}]}";
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private void answer(HttpExchange exchange) throws IOException {
        String right = Base64.getEncoder().encodeToString((CLIENT + ":" + secret).getBytes(UTF_8));
        boolean granted = ("Basic " + right).equals(exchange.getRequestHeaders().getFirst("Authorization"))
                && new String(exchange.getRequestBody().readAllBytes(), UTF_8)
                        .contains("grant_type=client_credentials");
        byte[] body = (granted
                        ? "{\"access_token\":\"" + token() + "\",\"token_type\":\"Bearer\",\"expires_in\":"
                                + LIFE_SECONDS + "}"
                        : "{\"error\":\"invalid_client\"}")
                .getBytes(UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(granted ? 200 : 401, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private String token() {
        long now = Instant.now().getEpochSecond();
        String content = text("{\"alg\":\"RS256\",\"kid\":\"1\"}") + "."
                + text("{\"iss\":\"" + ISSUER + "\",\"aud\":\"" + AUDIENCE + "\",\"sub\":\"" + CLIENT
                        + "\",\"scope\":\"events\",\"iat\":" + now + ",\"exp\":" + (now + LIFE_SECONDS) + "}");
        try {
            Signature signature = Signature.getInstance("SHA256withRSA");
            signature.initSign(keys.getPrivate());
            signature.update(content.getBytes(UTF_8));
            return content + "." + BASE64.encodeToString(signature.sign());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String text(String json) {
        return BASE64.encodeToString(json.getBytes(UTF_8));
    }

    private static String number(BigInteger number) {
        byte[] bytes = number.toByteArray();
        int sign = bytes[0] == 0 ? 1 : 0;
        return BASE64.encodeToString(java.util.Arrays.copyOfRange(bytes, sign, bytes.length));
    }
}
