package dev.sluice.events;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialAlteration;
import org.apache.kafka.clients.admin.UserScramCredentialDeletion;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.acl.AclBinding;

/**
 * A real broker that lets clients in over TLS alone, with a password (SCRAM) or a token (OAUTHBEARER). Tests see what it
 * holds by a port of their own, as brokers reach one another.
 */
public final class SecuredBroker implements AutoCloseable {
    public static final String PASSWORD = "correct-horse-battery";
    public static final String SECRET = "staple-of-the-client";
    public static final String USER = "sluice";

    private final Path folder;
    private final TokenServer tokens;
    private final Certificate certificate;
    private final int insidePort = RealBroker.freePort();
    private RealBroker broker;

    private SecuredBroker(Path folder, Map<String, String> more)
            throws IOException, InterruptedException, GeneralSecurityException {
        this.folder = Files.createDirectories(folder);
        this.tokens = new TokenServer(SECRET);
        this.certificate = Certificate.create(folder, "broker");
        Path keys = Files.writeString(folder.resolve("jwks.json"), tokens.jwks());
        this.broker = RealBroker.start(
                folder.resolve("broker"),
                settings(keys, more),
                List.of("-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=" + keys.toUri()));
    }

    /** Starts it, with a user who has {@link #PASSWORD}, and a client of its token server who has {@link #SECRET}. */
    public static SecuredBroker start(Path folder)
            throws IOException, InterruptedException, GeneralSecurityException, ExecutionException {
        SecuredBroker started = new SecuredBroker(folder, Map.of());
        started.addUser();
        return started;
    }

    /** The same where clients may do nothing but what they have a right to. */
    public static SecuredBroker start(Path folder, Collection<AclBinding> rights)
            throws IOException, InterruptedException, GeneralSecurityException, ExecutionException {
        SecuredBroker started = new SecuredBroker(
                folder,
                Map.of(
                        "authorizer.class.name",
                        "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                        // whoever comes from inside
                        "super.users",
                        "User:ANONYMOUS"));
        started.addUser();
        try (Admin admin = started.admin()) {
            admin.createAcls(rights).all().get();
        }
        return started;
    }

    public RealBroker broker() {
        return broker;
    }

    /** Each client has to log in anew. */
    public void restart() {
        broker = broker.restart();
    }

    /** Where nobody is asked who he is. */
    public String inside() {
        return "localhost:" + insidePort;
    }

    public Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", inside()));
    }

    public void addUser() throws ExecutionException, InterruptedException {
        alter(new UserScramCredentialUpsertion(
                USER, new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4_096), PASSWORD));
    }

    public void removeUser() throws ExecutionException, InterruptedException {
        alter(new UserScramCredentialDeletion(USER, ScramMechanism.SCRAM_SHA_512));
    }

    /** Variables with which a client goes in as the user, {@code prefix} before them. */
    public Map<String, String> scram(String prefix, String password) throws IOException {
        return variables(
                prefix,
                "SCRAM-SHA-512",
                "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"" + USER + "\" password=\""
                        + password + "\";");
    }

    /** The same with a token, as Kafka's clients of version 4 have it. */
    public Map<String, String> oauthbearer(String prefix, String secret) throws IOException {
        Map<String, String> variables = tokens(prefix, "");
        variables.put(prefix + "SASL_OAUTHBEARER_CLIENT_CREDENTIALS_CLIENT_ID", TokenServer.CLIENT);
        variables.put(prefix + "SASL_OAUTHBEARER_CLIENT_CREDENTIALS_CLIENT_SECRET_FILE", file(secret));
        return variables;
    }

    /** The same as those of version 3 have it. */
    public Map<String, String> oauthbearerOfOld(String prefix, String secret) throws IOException {
        return tokens(prefix, " clientId=\"" + TokenServer.CLIENT + "\" clientSecret=\"" + secret + "\"");
    }

    public String tokenUrl() {
        return tokens.url();
    }

    @Override
    public void close() {
        broker.close();
        tokens.close();
    }

    private Map<String, String> tokens(String prefix, String options) throws IOException {
        Map<String, String> variables = variables(
                prefix,
                "OAUTHBEARER",
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required" + options + ";");
        variables.put(
                prefix + "SASL_LOGIN_CALLBACK_HANDLER_CLASS",
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler");
        variables.put(prefix + "SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL", tokens.url());
        return variables;
    }

    private Map<String, String> variables(String prefix, String mechanism, String login) throws IOException {
        return new HashMap<>(Map.of(
                prefix + "SECURITY_PROTOCOL",
                "SASL_SSL",
                prefix + "SASL_MECHANISM",
                mechanism,
                prefix + "SASL_JAAS_CONFIG_FILE",
                file(login),
                prefix + "SSL_TRUSTSTORE_TYPE",
                "PEM",
                prefix + "SSL_TRUSTSTORE_CERTIFICATES_FILE",
                certificate.pem().toString()));
    }

    private String file(String secret) throws IOException {
        return Files.writeString(Files.createTempFile(folder, "secret", ""), secret + "\n")
                .toString();
    }

    private void alter(UserScramCredentialAlteration alteration) throws ExecutionException, InterruptedException {
        try (Admin admin = admin()) {
            admin.alterUserScramCredentials(List.of(alteration)).all().get();
        }
    }

    private Map<String, String> settings(Path jwks, Map<String, String> more) {
        Map<String, String> settings = new HashMap<>(more);
        settings.put(
                "listeners",
                "SECURED://localhost:${port},INSIDE://" + inside() + ",CONTROLLER://localhost:${controller.port}");
        settings.put("advertised.listeners", "SECURED://localhost:${port},INSIDE://" + inside());
        settings.put("inter.broker.listener.name", "INSIDE");
        settings.put("listener.security.protocol.map", "SECURED:SASL_SSL,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT");
        settings.put("ssl.keystore.type", "PKCS12");
        settings.put("ssl.keystore.location", certificate.store().toString());
        settings.put("ssl.keystore.password", Certificate.PASSWORD);
        settings.put("sasl.enabled.mechanisms", "SCRAM-SHA-512,OAUTHBEARER");
        String oauthbearer = "listener.name.secured.oauthbearer.";
        settings.put(
                "listener.name.secured.scram-sha-512.sasl.jaas.config",
                "org.apache.kafka.common.security.scram.ScramLoginModule required;");
        settings.put(
                oauthbearer + "sasl.jaas.config",
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;");
        settings.put(
                oauthbearer + "sasl.server.callback.handler.class",
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler");
        settings.put("sasl.oauthbearer.jwks.endpoint.url", jwks.toUri().toString());
        settings.put("sasl.oauthbearer.expected.issuer", TokenServer.ISSUER);
        settings.put("sasl.oauthbearer.expected.audience", TokenServer.AUDIENCE);
        return settings;
    }
}
