package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.sluice.settings.Environment;
import dev.sluice.settings.Setting;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.ClientAuth;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.core.net.ServerSSLOptions;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.X509KeyManager;

/**
 * Certificate and key for HTTPS.
 *
 * @param cert PEM file of the certificate chain
 * @param key PEM file of its key
 * @param clients PEM file of the certificates that those of senders are signed by; empty where senders show none
 */
record Tls(String cert, String key, String clients) {
    /** Those of Mozilla's intermediate configuration that give forward secrecy and authenticate what they encrypt, without DHE. */
    private static final List<String> SUITES = List.of(
            "TLS_AES_128_GCM_SHA256",
            "TLS_AES_256_GCM_SHA384",
            "TLS_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256");

    /** Empty where neither is set; a problem noted where one is missing or cannot be read. */
    static Optional<Tls> read(Environment environment) {
        String cert = file(environment, Settings.TLS_CERT);
        String key = file(environment, Settings.TLS_KEY);
        String clients = file(environment, Settings.TLS_CLIENT_CA);
        if (cert.isEmpty() != key.isEmpty()) {
            environment.problem("TLS_CERT and TLS_KEY go together: set both, or neither");
        } else if (cert.isEmpty() && !clients.isEmpty()) {
            environment.problem("TLS_CLIENT_CA=" + clients + ": needs TLS_CERT and TLS_KEY, for senders show"
                    + " certificates over TLS alone");
        }
        return cert.isEmpty() || key.isEmpty() ? Optional.empty() : Optional.of(new Tls(cert, key, clients));
    }

    List<Watch.Source> files() {
        List<Watch.Source> files = new ArrayList<>(List.of(
                Watch.Source.file(Settings.TLS_CERT.name(), Path.of(cert)),
                Watch.Source.file(Settings.TLS_KEY.name(), Path.of(key))));
        if (!clients.isEmpty()) {
            files.add(Watch.Source.file(Settings.TLS_CLIENT_CA.name(), Path.of(clients)));
        }
        return files;
    }

    /**
     * TLS with what the {@link #files} hold. Reads the classes that the first handshake needs as well. Blocks.
     *
     * @throws IllegalArgumentException where they are no certificate and its key, or no certificates of senders
     */
    ServerSSLOptions options(Vertx vertx, List<byte[]> contents) {
        byte[] chain = contents.get(0);
        byte[] secret = contents.get(1);
        try {
            SslHandler unused = SslContextBuilder.forServer(
                            new ByteArrayInputStream(chain), new ByteArrayInputStream(secret))
                    .build()
                    .newHandler(UnpooledByteBufAllocator.DEFAULT);
        } catch (IOException | IllegalArgumentException e) {
            throw new IllegalArgumentException("no certificate and its key: " + e.getMessage(), e);
        }
        PemKeyCertOptions pair =
                new PemKeyCertOptions().addCertValue(Buffer.buffer(chain)).addKeyValue(Buffer.buffer(secret));
        checkPair(certificates(chain).get(0), pair, vertx);
        ServerSSLOptions options = new ServerSSLOptions()
                .setUseAlpn(true)
                .setApplicationLayerProtocols(List.of("h2", "http/1.1"))
                .setKeyCertOptions(new PemKeyCertOptions()
                        .addCertValue(Buffer.buffer(chain))
                        .addKeyValue(Buffer.buffer(secret)));
        SUITES.forEach(options::addEnabledCipherSuite);
        if (!clients.isEmpty()) {
            certificates(contents.get(2));
            // asked for and not needed: who shows none may have a key, or is told what to do
            options.setClientAuth(ClientAuth.REQUEST)
                    .setTrustOptions(new PemTrustOptions().addCertValue(Buffer.buffer(contents.get(2))));
        }
        return options;
    }

    /** TLS would find out with the first sender: what one signs, the other has to verify. */
    private static void checkPair(Certificate certificate, PemKeyCertOptions pair, Vertx vertx) {
        String algorithm = certificate.getPublicKey().getAlgorithm();
        try {
            X509KeyManager manager =
                    (X509KeyManager) pair.getKeyManagerFactory(vertx).getKeyManagers()[0];
            String alias = manager.getServerAliases(algorithm, null)[0];
            Signature signature = Signature.getInstance(
                    switch (algorithm) {
                        case "RSA" -> "SHA256withRSA";
                        case "EC" -> "SHA256withECDSA";
                        default -> algorithm;
                    });
            byte[] text = "any".getBytes(US_ASCII);
            signature.initSign(manager.getPrivateKey(alias));
            signature.update(text);
            byte[] signed = signature.sign();
            signature.initVerify(certificate);
            signature.update(text);
            if (!signature.verify(signed)) {
                throw new IllegalArgumentException("the key is not that of the certificate");
            }
        } catch (IllegalArgumentException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalArgumentException("the key is not that of the certificate: " + e.getMessage(), e);
        }
    }

    private static List<Certificate> certificates(byte[] pem) {
        try {
            List<Certificate> certificates = List.copyOf(
                    CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(pem)));
            if (certificates.isEmpty()) {
                throw new IllegalArgumentException("there is no certificate");
            }
            return certificates;
        } catch (CertificateException e) {
            throw new IllegalArgumentException("no certificates: " + e.getMessage(), e);
        }
    }

    private static String file(Environment environment, Setting<String> setting) {
        String path = environment.get(setting);
        if (!path.isEmpty() && !Files.isReadable(Path.of(path))) {
            environment.problem(setting.name() + "=" + path + ": no file that can be read");
        }
        return path;
    }
}
