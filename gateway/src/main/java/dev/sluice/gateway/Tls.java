package dev.sluice.gateway;

import dev.sluice.settings.Environment;
import dev.sluice.settings.Setting;
import dev.sluice.settings.SettingsException;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.vertx.core.net.PemKeyCertOptions;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLException;

/**
 * Certificate and key for HTTPS.
 *
 * @param cert PEM file of the certificate chain
 * @param key PEM file of its key
 */
record Tls(String cert, String key) {
    /** Empty where neither is set; a problem noted where one is missing or cannot be read. */
    static Optional<Tls> read(Environment environment) {
        String cert = file(environment, Settings.TLS_CERT);
        String key = file(environment, Settings.TLS_KEY);
        if (cert.isEmpty() != key.isEmpty()) {
            environment.problem("TLS_CERT and TLS_KEY go together: set both, or neither");
        }
        return cert.isEmpty() || key.isEmpty() ? Optional.empty() : Optional.of(new Tls(cert, key));
    }

    /**
     * Reads both files, and the classes that the first handshake needs. Blocks.
     *
     * @throws SettingsException where they are no certificate and its key
     */
    void load() {
        try {
            SslHandler unused = SslContextBuilder.forServer(new File(cert), new File(key))
                    .build()
                    .newHandler(UnpooledByteBufAllocator.DEFAULT);
        } catch (SSLException | IllegalArgumentException e) {
            throw new SettingsException(List.of(
                    "TLS_CERT=" + cert + ", TLS_KEY=" + key + ": no certificate and its key: " + e.getMessage()));
        }
    }

    PemKeyCertOptions options() {
        return new PemKeyCertOptions().addCertPath(cert).addKeyPath(key);
    }

    private static String file(Environment environment, Setting<String> setting) {
        String path = environment.get(setting);
        if (!path.isEmpty() && !Files.isReadable(Path.of(path))) {
            environment.problem(setting.name() + "=" + path + ": no file that can be read");
        }
        return path;
    }
}
