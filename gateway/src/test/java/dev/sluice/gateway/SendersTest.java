package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.get;
import static dev.sluice.gateway.Fixture.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import dev.sluice.events.Golden;
import dev.sluice.events.RealBroker;
import dev.sluice.settings.SettingsException;
import io.netty.pkitesting.X509Bundle;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Who may send what: by keys, tokens and certificates at once, over TLS. */
@ExtendWith(EventLoopWatch.class)
class SendersTest {
    private static final String ISSUER = "https://issuer.example";
    private static final String AUDIENCE = "sluice";

    @TempDir
    static Path folder;

    private static final Vertx CLIENTS = Vertx.vertx();
    private static final List<WebClient> OPEN = new ArrayList<>();

    private static RSAKey rsa;
    private static ECKey ec;
    private static Path jwks;
    private static Path keys;
    private static X509Bundle serverAuthority;
    private static X509Bundle clientAuthority;
    private static String key;
    private static Fixture gateway;
    private static WebClient nobody;

    @BeforeAll
    static void start() throws Exception {
        rsa = new RSAKeyGenerator(2048).keyID("rsa").generate();
        ec = new ECKeyGenerator(Curve.P_256).keyID("ec").generate();
        jwks = folder.resolve("jwks.json");
        publish(rsa, ec);
        serverAuthority = Pki.authority("servers");
        clientAuthority = Pki.authority("clients");
        Path clients = folder.resolve("clients.pem");
        Pki.replace(clients, clientAuthority.getCertificatePEM());
        keys = folder.resolve("keys.json");
        key = NewApiKey.add(keys, "shop", List.of(), null, Quota.NONE);
        Map<String, String> variables = new HashMap<>(Pki.files(folder, Pki.server(serverAuthority)));
        variables.putAll(Map.of(
                "API_KEYS_FILE", keys.toString(),
                "JWT_KEYS", jwks.toString(),
                "JWT_ISSUER", ISSUER,
                "JWT_AUDIENCE", AUDIENCE,
                "TLS_CLIENT_CA", clients.toString()));
        gateway = new Fixture(folder, variables);
        nobody = client(null);
    }

    @AfterAll
    static void stop() throws Exception {
        OPEN.forEach(WebClient::close);
        get(CLIENTS.close());
        gateway.close();
    }

    @Test
    void token_thatHolds_isTaken() throws Exception {
        for (JWK signs : List.of(rsa, ec)) {
            for (int i = 0; i < 2; i++) {
                assertThat(withToken(signed(signs, claims().build())).statusCode())
                        .isEqualTo(202);
            }
        }
        assertThat(withToken(signed(rsa, claims().build(), new JOSEObjectType("at+jwt")))
                        .statusCode())
                .isEqualTo(202);
        assertThat(gateway.metric("sluice_sender_requests_total{outcome=\"accepted\",sender=\"(token)\"}"))
                .isGreaterThanOrEqualTo(5);
    }

    @Test
    void token_thatDoesNotHold_isRefused() throws Exception {
        Map<String, String> wrong = new LinkedHashMap<>();
        wrong.put(
                "of another issuer",
                signed(rsa, claims().issuer("https://other.example").build()));
        wrong.put("for another audience", signed(rsa, claims().audience("other").build()));
        wrong.put(
                "for no audience", signed(rsa, claims().audience((String) null).build()));
        wrong.put("of nobody", signed(rsa, claims().subject(null).build()));
        wrong.put(
                "that ended",
                signed(
                        rsa,
                        claims().expirationTime(Date.from(Instant.now().minusSeconds(120)))
                                .build()));
        wrong.put("without an end", signed(rsa, claims().expirationTime(null).build()));
        wrong.put(
                "that begins later",
                signed(
                        rsa,
                        claims().notBeforeTime(Date.from(Instant.now().plusSeconds(120)))
                                .build()));
        wrong.put("without a signature", new PlainJWT(claims().build()).serialize());
        wrong.put(
                "signed by another key of the same name",
                signed(new RSAKeyGenerator(2048).keyID("rsa").generate(), claims().build()));
        wrong.put(
                "signed by an unknown key",
                signed(new ECKeyGenerator(Curve.P_256).keyID("x").generate(), claims().build()));
        SignedJWT mac = new SignedJWT(
                new JWSHeader.Builder(JWSAlgorithm.HS256).keyID("rsa").build(), claims().build());
        mac.sign(new MACSigner(rsa.toPublicKey().getEncoded()));
        wrong.put("signed with what is public", mac.serialize());
        wrong.put("of another kind", signed(rsa, claims().build(), new JOSEObjectType("logout+jwt")));
        String good = signed(rsa, claims().build());
        wrong.put("with another signature", good.substring(0, good.length() - 8) + "AAAAAAAA");
        wrong.put("of no form", "a.b.c");
        for (Map.Entry<String, String> token : wrong.entrySet()) {
            HttpResponse<Buffer> answer = withToken(token.getValue());
            assertThat(answer.statusCode()).as(token.getKey()).isEqualTo(401);
            assertThat(json(answer).get("code").asText()).isEqualTo("unauthenticated");
            assertThat(json(answer).get("detail").asText()).startsWith("The token does not hold: ");
        }
    }

    @Test
    void token_forSomeTypes_isForThoseAlone() throws Exception {
        String token =
                signed(rsa, claims().claim("event_types", List.of("purchase.*")).build());
        assertThat(withToken(token, "{\"event_type\":\"purchase.done\"}").statusCode())
                .isEqualTo(202);
        HttpResponse<Buffer> other = withToken(token, Golden.PROTOTYPE);
        assertThat(other.statusCode()).isEqualTo(403);
        assertThat(json(other).get("detail").asText()).isEqualTo("mobile may send purchase.*.");
        String wrong = signed(rsa, claims().claim("event_types", 7).build());
        assertThat(withToken(wrong).statusCode()).isEqualTo(401);
    }

    /** An issuer shows the new key before it signs with it, and the old one until its tokens have ended. */
    @Test
    void token_keysRotatedUnderLoad_failNoRequest() throws Exception {
        RSAKey next = new RSAKeyGenerator(2048).keyID("next").generate();
        String token = signed(ec, claims().build());
        String later = signed(next, claims().build());
        Load load = new Load(List.of(nobody), Map.of("Authorization", "Bearer " + token));
        publish(rsa, ec, next);
        await().atMost(Duration.ofSeconds(30)).until(() -> withToken(later).statusCode() == 202);
        publish(rsa, ec);
        await().atMost(Duration.ofSeconds(30)).until(() -> withToken(later).statusCode() == 401);
        load.assertAllTaken();
    }

    /** Keys come, are renewed and go while another one is in use. */
    @Test
    void key_filesRotatedUnderLoad_failNoRequest() throws Exception {
        Load load = new Load(List.of(nobody), Map.of("X-API-Key", key));
        for (int i = 0; i < 2; i++) {
            String renewed = NewApiKey.add(keys, "other", List.of(), null, Quota.NONE);
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> post(nobody, Map.of("X-API-Key", renewed), Golden.PROTOTYPE)
                                    .statusCode()
                            == 202);
        }
        load.assertAllTaken();
    }

    @Test
    void token_keysOfAUrl_areFetched() throws Exception {
        var issuer = CLIENTS.createHttpServer()
                .requestHandler(request -> request.response().end(new JWKSet(rsa).toString()));
        int port = get(issuer.listen(0)).actualPort();
        Settings settings = Fixture.settings(
                RealBroker.freePort(),
                Map.of(
                        "JWT_KEYS", "http://localhost:" + port + "/keys",
                        "JWT_ISSUER", ISSUER,
                        "JWT_AUDIENCE", AUDIENCE));
        Gateway other = new Gateway(Fixture.vertx(), settings);
        get(other.start());
        WebClient client = WebClient.create(CLIENTS);
        assertThat(get(client.post(settings.httpPort(), "localhost", "/api/events")
                                .bearerTokenAuthentication(signed(rsa, claims().build()))
                                .sendBuffer(Buffer.buffer(Golden.PROTOTYPE)))
                        .statusCode())
                .isEqualTo(503);
        assertThat(json(get(client.post(settings.httpPort(), "localhost", "/api/events")
                                .bearerTokenAuthentication(signed(ec, claims().build()))
                                .sendBuffer(Buffer.buffer(Golden.PROTOTYPE))))
                        .get("code")
                        .asText())
                .isEqualTo("unauthenticated");
        get(other.stop());
        get(issuer.close());
        assertThatThrownBy(() -> get(new Gateway(Fixture.vertx(), settings).start()))
                .hasCauseInstanceOf(SettingsException.class)
                .hasMessageContaining("JWT_KEYS=http://localhost:" + port + "/keys: ");
        client.close();
    }

    @Test
    void token_keysThatAreNone_areAProblemAtTheStart() throws Exception {
        Path none = folder.resolve("none.json");
        for (String text : List.of("", "{}", "{\"keys\":[]}", "keys")) {
            Files.writeString(none, text);
            Settings settings = Fixture.settings(
                    RealBroker.freePort(),
                    Map.of("JWT_KEYS", none.toString(), "JWT_ISSUER", ISSUER, "JWT_AUDIENCE", AUDIENCE));
            Vertx vertx = Fixture.vertx();
            assertThatThrownBy(() -> get(new Gateway(vertx, settings).start()))
                    .as(text)
                    .hasCauseInstanceOf(SettingsException.class)
                    .hasMessageContaining("JWT_KEYS=" + none + ": ");
            get(vertx.close());
        }
    }

    @Test
    void certificate_thatIsKnown_isTaken() throws Exception {
        WebClient known =
                client(Pki.client(clientAuthority, "warehouse", Instant.now().plusSeconds(3_600)));
        assertThat(post(known, Map.of(), Golden.PROTOTYPE).statusCode()).isEqualTo(202);
        assertThat(gateway.metric("sluice_sender_events_total{sender=\"(certificate)\"}"))
                .isPositive();
        // a proxy shows its own, and passes on what the sender gave it
        assertThat(post(known, Map.of("X-API-Key", "shop.x"), Golden.PROTOTYPE).statusCode())
                .isEqualTo(401);
    }

    @Test
    void certificate_thatIsNotKnown_isRefused() throws Exception {
        for (X509Bundle wrong : List.of(
                Pki.client(Pki.authority("clients"), "warehouse", Instant.now().plusSeconds(3_600)),
                Pki.client(clientAuthority, "warehouse", Instant.now().minusSeconds(60)))) {
            WebClient client = client(wrong);
            assertThatThrownBy(() -> post(client, Map.of(), Golden.PROTOTYPE)).isNotNull();
        }
        HttpResponse<Buffer> none = post(nobody, Map.of(), Golden.PROTOTYPE);
        assertThat(none.statusCode()).isEqualTo(401);
        assertThat(json(none).get("detail").asText())
                .isEqualTo(
                        "Send a key as \"Authorization: Bearer …\" or \"X-API-Key: …\", or connect with a certificate"
                                + " that is known here.");
    }

    /** It held when the connection began. */
    @Test
    void certificate_thatEndsWhileItsConnectionIsOpen_isRefused() throws Exception {
        Instant end = Instant.now().plusSeconds(5);
        WebClient client = client(Pki.client(clientAuthority, "brief", end));
        assertThat(post(client, Map.of(), Golden.PROTOTYPE).statusCode()).isEqualTo(202);
        await().atMost(Duration.ofSeconds(30))
                .until(() -> post(client, Map.of(), Golden.PROTOTYPE).statusCode() == 401);
    }

    /** Some connections stay, others begin anew with each request. */
    @Test
    void serverCertificate_renewedUnderLoad_failsNoRequest() throws Exception {
        Load load = new Load(List.of(nobody, client(null, options().setKeepAlive(false))), Map.of("X-API-Key", key));
        for (int i = 0; i < 3; i++) {
            X509Bundle next = Pki.server(serverAuthority);
            Pki.files(folder, next);
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> next.getCertificate().equals(shown()));
        }
        load.assertAllTaken();
    }

    /** Requests all the time, several at once of each client. */
    private static final class Load {
        private static final int LANES = 4;
        private final AtomicBoolean enough = new AtomicBoolean();
        private final List<Future<Void>> lanes = new ArrayList<>();
        private final Map<Integer, LongAdder> answers = new ConcurrentHashMap<>();
        private final Map<String, String> headers;

        Load(List<WebClient> clients, Map<String, String> headers) {
            this.headers = headers;
            for (WebClient client : clients) {
                for (int i = 0; i < LANES; i++) {
                    lanes.add(next(client));
                }
            }
        }

        private Future<Void> next(WebClient client) {
            return send(client, headers, Golden.PROTOTYPE).compose(answer -> {
                answers.computeIfAbsent(answer.statusCode(), status -> new LongAdder())
                        .increment();
                return enough.get() ? Future.succeededFuture() : next(client);
            });
        }

        void assertAllTaken() throws Exception {
            enough.set(true);
            get(Future.all(lanes));
            assertThat(answers).containsOnlyKeys(202);
            assertThat(answers.get(202).sum()).isGreaterThan(100);
        }
    }

    /** What is half written, or not a certificate, serves nobody. */
    @Test
    void serverCertificate_replacedByNone_staysAsItWas() throws Exception {
        ch.qos.logback.core.read.ListAppender<ch.qos.logback.classic.spi.ILoggingEvent> log =
                new ch.qos.logback.core.read.ListAppender<>();
        log.start();
        ((ch.qos.logback.classic.Logger) LoggerFactory.getLogger(Watch.class)).addAppender(log);
        Path file = folder.resolve("cert.pem");
        String good = Files.readString(file);
        Pki.replace(file, Pki.server(serverAuthority).getCertificatePathPEM());
        await().atMost(Duration.ofSeconds(30)).until(() -> log.list.stream()
                .anyMatch(event -> event.getFormattedMessage().startsWith("What was read before stays: TLS_CERT=")));
        assertThat(post(client(null), Map.of("X-API-Key", key), Golden.PROTOTYPE)
                        .statusCode())
                .isEqualTo(202);
        Pki.replace(file, good);
    }

    private static java.security.cert.X509Certificate shown() throws Exception {
        javax.net.ssl.SSLContext context = javax.net.ssl.SSLContext.getInstance("TLS");
        context.init(null, new javax.net.ssl.TrustManager[] {serverAuthority.toTrustManager()}, null);
        try (var socket = (javax.net.ssl.SSLSocket)
                context.getSocketFactory().createSocket("localhost", gateway.settings.httpPort())) {
            return (java.security.cert.X509Certificate) socket.getSession().getPeerCertificates()[0];
        }
    }

    private static void publish(JWK... keys) throws Exception {
        Pki.replace(jwks, new JWKSet(List.of(keys)).toString());
    }

    private static JWTClaimsSet.Builder claims() {
        return new JWTClaimsSet.Builder()
                .issuer(ISSUER)
                .audience(AUDIENCE)
                .subject("mobile")
                .expirationTime(Date.from(Instant.now().plusSeconds(3_600)));
    }

    private static String signed(JWK by, JWTClaimsSet claims) throws Exception {
        return signed(by, claims, JOSEObjectType.JWT);
    }

    private static String signed(JWK by, JWTClaimsSet claims, JOSEObjectType type) throws Exception {
        boolean isRsa = by instanceof RSAKey;
        JWSSigner signer = isRsa ? new RSASSASigner(by.toRSAKey()) : new ECDSASigner(by.toECKey());
        SignedJWT token = new SignedJWT(
                new JWSHeader.Builder(isRsa ? JWSAlgorithm.RS256 : JWSAlgorithm.ES256)
                        .keyID(by.getKeyID())
                        .type(type)
                        .build(),
                claims);
        token.sign(signer);
        return token.serialize();
    }

    private static HttpResponse<Buffer> withToken(String token) throws Exception {
        return withToken(token, Golden.PROTOTYPE);
    }

    private static HttpResponse<Buffer> withToken(String token, String body) throws Exception {
        return post(nobody, Map.of("Authorization", "Bearer " + token), body);
    }

    private static HttpResponse<Buffer> post(WebClient client, Map<String, String> headers, String body)
            throws Exception {
        return get(send(client, headers, body));
    }

    private static Future<HttpResponse<Buffer>> send(WebClient client, Map<String, String> headers, String body) {
        var request = client.post(gateway.settings.httpPort(), "localhost", "/api/events");
        headers.forEach(request::putHeader);
        return request.sendBuffer(Buffer.buffer(body));
    }

    private static WebClientOptions options() {
        return new WebClientOptions()
                .setSsl(true)
                .setTrustOptions(
                        new PemTrustOptions().addCertValue(Buffer.buffer(serverAuthority.getCertificatePEM())));
    }

    private static WebClient client(X509Bundle certificate) throws Exception {
        return client(certificate, options());
    }

    /** @param certificate what it shows; null for none */
    private static WebClient client(X509Bundle certificate, WebClientOptions options) {
        if (certificate != null) {
            options.setKeyCertOptions(new PemKeyCertOptions()
                    .addCertValue(Buffer.buffer(certificate.getCertificatePathPEM()))
                    .addKeyValue(Buffer.buffer(certificate.getPrivateKeyPEM())));
        }
        WebClient client = WebClient.create(CLIENTS, options);
        OPEN.add(client);
        return client;
    }
}
