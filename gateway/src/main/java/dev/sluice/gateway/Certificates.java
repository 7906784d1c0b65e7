package dev.sluice.gateway;

import static dev.sluice.events.Rejection.UNAUTHENTICATED;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.ServerSSLOptions;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The port's certificate, and those that senders show. Files that change serve the connections that come then; those that are open stay. */
final class Certificates {
    private static final Logger LOG = LoggerFactory.getLogger(Certificates.class);

    private final Watch files;
    private final List<HttpServer> servers = new CopyOnWriteArrayList<>();
    private volatile @Nullable ServerSSLOptions options;

    Certificates(Vertx vertx, Tls tls) {
        this.files = new Watch(tls.files(), contents -> use(tls.options(vertx, contents)));
    }

    /** As {@link Watch#load}. */
    void load() {
        files.load();
    }

    void watch(Vertx vertx) {
        files.watch(vertx);
    }

    /** Of a server that is to be. */
    ServerSSLOptions options() {
        return Objects.requireNonNull(options, "loaded before servers start");
    }

    /** Lets the server have those that come. */
    void serve(HttpServer server) {
        servers.add(server);
    }

    private void use(ServerSSLOptions next) {
        options = next;
        servers.forEach(server -> server.updateSSLOptions(next)
                .onFailure(cause -> LOG.error("A port keeps the certificate that it had", cause)));
    }

    /**
     * Who showed a certificate that holds; null where nobody did.
     *
     * @throws RefusedException where it held when the connection began, and has ended since
     */
    static @Nullable String owner(HttpServerRequest request) throws RefusedException {
        if (!request.isSSL()) {
            return null;
        }
        try {
            X509Certificate certificate =
                    (X509Certificate) request.connection().peerCertificates().get(0);
            certificate.checkValidity();
            return commonName(certificate.getSubjectX500Principal().getName());
        } catch (SSLPeerUnverifiedException e) {
            return null;
        } catch (CertificateException e) {
            throw Refusal.of(UNAUTHENTICATED, "The certificate does not hold: " + e.getMessage())
                    .asException();
        }
    }

    /** The whole name where there is no common one. */
    private static String commonName(String name) {
        try {
            return new LdapName(name)
                    .getRdns().stream()
                            .filter(part -> "CN".equalsIgnoreCase(part.getType()))
                            .map(Rdn::getValue)
                            .map(String::valueOf)
                            .reduce((first, last) -> last)
                            .orElse(name);
        } catch (InvalidNameException e) {
            return name;
        }
    }
}
