package dev.sluice.gateway;

import static dev.sluice.events.Rejection.UNAUTHENTICATED;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.source.ImmutableJWKSet;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.proc.SimpleSecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import dev.sluice.settings.TypePattern;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.text.ParseException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Senders with a JSON Web Token (RFC 7519) that an issuer signed: its {@code sub} is their name, and its {@code event_types}, a list of
 * patterns, what they may send; anything where there is none.
 */
final class Tokens {
    private static final int CONNECT_MILLIS = 2_000;
    private static final int READ_MILLIS = 5_000;
    private static final int MOST_BYTES = 1_000_000;
    private static final Duration REFRESH = Duration.ofMinutes(1);
    /**
     * Bytes of tokens that held: verifying a signature takes an event loop tens of microseconds, and a sender has the same token for
     * minutes.
     */
    private static final int REMEMBERED_BYTES = 8_000_000;

    private static final int ENTRY_BYTES = 200;

    private static final int CLOCK_SKEW_SECONDS = 60;
    private static final String TYPES = "event_types";

    /**
     * Whose tokens.
     *
     * @param keys file or URL of the issuer's JWK set
     * @param issuer what {@code iss} has to be
     * @param audience what {@code aud} has to hold
     */
    record Issuer(String keys, String issuer, String audience) {
        Optional<URI> url() {
            return keys.startsWith("https:") || keys.startsWith("http:")
                    ? Optional.of(URI.create(keys))
                    : Optional.empty();
        }
    }

    /** @param by what verified it, with the keys of that time */
    private record Verified(Sender sender, long expiresMillis, Object by) {}

    private final Issuer issuer;
    private final Quotas quotas;
    private final Cache<String, Verified> remembered = Caffeine.newBuilder()
            .maximumWeight(REMEMBERED_BYTES)
            .<String, Verified>weigher((token, verified) -> ENTRY_BYTES + token.length())
            .executor(Runnable::run)
            .build();
    private final Watch keys;
    private volatile DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();

    Tokens(Issuer issuer, Quotas quotas) {
        this.issuer = issuer;
        this.quotas = quotas;
        Watch.Use use = contents -> use(contents.get(0));
        this.keys = issuer.url()
                .map(url -> new Watch(
                        List.of(new Watch.Source(Settings.JWT_KEYS.name(), issuer.keys, () -> fetch(url))),
                        REFRESH,
                        use))
                .orElseGet(() ->
                        new Watch(List.of(Watch.Source.file(Settings.JWT_KEYS.name(), Path.of(issuer.keys))), use));
    }

    /** As {@link Watch#load}. */
    void load() {
        keys.load();
    }

    void watch(Vertx vertx) {
        keys.watch(vertx);
    }

    private static byte[] fetch(URI url) throws IOException {
        return new DefaultResourceRetriever(CONNECT_MILLIS, READ_MILLIS, MOST_BYTES)
                .retrieveResource(url.toURL())
                .getContent()
                .getBytes(UTF_8);
    }

    private void use(byte[] text) {
        JWKSet set;
        try {
            set = JWKSet.parse(new String(text, UTF_8)).toPublicJWKSet();
        } catch (ParseException e) {
            throw new IllegalArgumentException("no JWK set (RFC 7517): " + e.getMessage(), e);
        }
        if (set.isEmpty()) {
            throw new IllegalArgumentException("the JWK set has no public key");
        }
        Set<JWSAlgorithm> algorithms = new HashSet<>(JWSAlgorithm.Family.RSA);
        algorithms.addAll(JWSAlgorithm.Family.EC);
        DefaultJWTProcessor<SecurityContext> next = new DefaultJWTProcessor<>();
        next.setJWSKeySelector(new JWSVerificationKeySelector<>(algorithms, new ImmutableJWKSet<>(set)));
        next.setJWSTypeVerifier(
                new DefaultJOSEObjectTypeVerifier<>(JOSEObjectType.JWT, new JOSEObjectType("at+jwt"), null));
        DefaultJWTClaimsVerifier<SecurityContext> claims = new DefaultJWTClaimsVerifier<>(
                issuer.audience,
                new JWTClaimsSet.Builder().issuer(issuer.issuer).build(),
                Set.of("sub", "exp"));
        claims.setMaxClockSkew(CLOCK_SKEW_SECONDS);
        next.setJWTClaimsSetVerifier(claims);
        processor = next;
    }

    /** @throws RefusedException that says why the token does not hold, and nothing that is in it */
    @SuppressWarnings("JavaUtilDate") // the library's
    Sender sender(String token) throws RefusedException {
        DefaultJWTProcessor<SecurityContext> by = processor;
        Verified before = remembered.getIfPresent(token);
        if (before != null && before.by == by && before.expiresMillis > System.currentTimeMillis()) {
            return before.sender;
        }
        try {
            JWTClaimsSet claims = by.process(token, new SimpleSecurityContext());
            String name = claims.getSubject();
            Sender sender = new Sender(name, "(token)", types(claims), quotas.of("token " + name));
            remembered.put(
                    token, new Verified(sender, claims.getExpirationTime().getTime(), by));
            return sender;
        } catch (ParseException | BadJOSEException | JOSEException e) {
            throw Refusal.of(UNAUTHENTICATED, "The token does not hold: " + e.getMessage())
                    .asException();
        }
    }

    /** One that is no pattern matches no type, and so allows nothing. */
    private static List<TypePattern> types(JWTClaimsSet claims) throws ParseException {
        List<String> patterns = claims.getStringListClaim(TYPES);
        return patterns == null
                ? List.of()
                : patterns.stream().map(TypePattern::new).toList();
    }
}
