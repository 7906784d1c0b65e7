package dev.sluice.gateway;

import static dev.sluice.events.Rejection.UNAUTHENTICATED;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Who sends a request: by an API key, a token or a certificate, whichever of them the settings have. */
final class Senders {
    private static final String BEARER = "Bearer ";

    private final @Nullable ApiKeys keys;
    private final @Nullable Tokens tokens;
    private final boolean certificates;
    private final Quotas quotas;

    Senders(Settings settings) {
        quotas = settings.quotas();
        keys = settings.apiKeysFile().map(file -> new ApiKeys(file, quotas)).orElse(null);
        tokens = settings.tokens().map(issuer -> new Tokens(issuer, quotas)).orElse(null);
        certificates = settings.tls().filter(tls -> !tls.clients().isEmpty()).isPresent();
    }

    /**
     * Reads what senders are known by. Blocks.
     *
     * @throws dev.sluice.settings.SettingsException where it is nothing to know them by
     */
    void load() {
        if (keys != null) {
            keys.load();
        }
        if (tokens != null) {
            tokens.load();
        }
    }

    /** Goes by what that is later. */
    void watch(Vertx vertx) {
        if (keys != null) {
            keys.watch(vertx);
        }
        if (tokens != null) {
            tokens.watch(vertx);
        }
    }

    /**
     * Whose request that is. A key or a token says so before a certificate, which may be that of a proxy.
     *
     * @throws RefusedException with neither, or with one that does not hold
     */
    Sender sender(HttpServerRequest request) throws RefusedException {
        if (keys == null && tokens == null && !certificates) {
            return Sender.ANYONE;
        }
        String token = token(request);
        if (token == null) {
            String owner = certificates ? Certificates.owner(request) : null;
            if (owner == null) {
                throw refused(wanted());
            }
            return new Sender(owner, "(certificate)", List.of(), quotas.of("certificate " + owner));
        }
        if (tokens != null && (keys == null || token.indexOf('.') != token.lastIndexOf('.'))) {
            return tokens.sender(token);
        }
        if (keys == null) {
            throw refused(wanted());
        }
        return keys.sender(token);
    }

    private String wanted() {
        if (keys == null && tokens == null) {
            return "Connect with a certificate that is known here.";
        }
        String header = keys == null
                ? "Send a token as \"Authorization: Bearer …\""
                : "Send a key as \"Authorization: Bearer …\" or \"X-API-Key: …\"";
        return header + (certificates ? ", or connect with a certificate that is known here." : ".");
    }

    private static @Nullable String token(HttpServerRequest request) {
        String authorization = request.getHeader(HttpHeaders.AUTHORIZATION);
        if (authorization != null && authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
            return authorization.substring(BEARER.length()).strip();
        }
        return request.getHeader("X-API-Key");
    }

    static RefusedException refused(String detail) {
        return Refusal.of(UNAUTHENTICATED, detail).asException();
    }
}
