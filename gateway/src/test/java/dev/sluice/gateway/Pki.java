package dev.sluice.gateway;

import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.Map;

/** Certificates, and files of them. */
final class Pki {
    private Pki() {}

    static X509Bundle authority(String name) throws Exception {
        return new CertificateBuilder()
                .subject("CN=" + name)
                .setIsCertificateAuthority(true)
                .buildSelfSigned();
    }

    /** Of this machine. */
    static X509Bundle server(X509Bundle authority) throws Exception {
        return new CertificateBuilder()
                .subject("CN=localhost")
                .addSanDnsName("localhost")
                .buildIssuedBy(authority);
    }

    static X509Bundle client(X509Bundle authority, String name, Instant until) throws Exception {
        return new CertificateBuilder()
                .subject("CN=" + name + ", O=Example")
                .notBefore(Instant.now().minusSeconds(3_600))
                .notAfter(until)
                .buildIssuedBy(authority);
    }

    /** Settings of files that hold what the server shows. */
    static Map<String, String> files(Path folder, X509Bundle server) throws IOException {
        Path cert = folder.resolve("cert.pem");
        Path key = folder.resolve("key.pem");
        replace(cert, server.getCertificatePathPEM());
        replace(key, server.getPrivateKeyPEM());
        return Map.of("TLS_CERT", cert.toString(), "TLS_KEY", key.toString());
    }

    /** As a whole, for someone may read it at any time. */
    static void replace(Path file, String text) throws IOException {
        Path written = Files.writeString(file.resolveSibling(file.getFileName() + ".new"), text);
        Files.move(written, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
