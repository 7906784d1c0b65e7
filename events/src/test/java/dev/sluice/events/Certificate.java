package dev.sluice.events;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A certificate of localhost, signed by itself, by the JDK's keytool.
 *
 * @param store PKCS 12, with its key and {@link #PASSWORD}
 * @param pem the certificate alone
 */
public record Certificate(Path store, Path pem) {
    public static final String PASSWORD = "changeit";

    /** Makes one, in files of that name. */
    public static Certificate create(Path folder, String name) throws IOException, InterruptedException {
        Certificate files = new Certificate(folder.resolve(name + ".p12"), folder.resolve(name + ".pem"));
        files.keytool(
                "-genkeypair",
                "-alias",
                name,
                "-keyalg",
                "RSA",
                "-dname",
                "CN=localhost",
                "-ext",
                "san=dns:localhost",
                "-storetype",
                "PKCS12");
        files.keytool("-exportcert", "-rfc", "-alias", name, "-file", files.pem.toString());
        return files;
    }

    private void keytool(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString()));
        command.addAll(List.of(arguments));
        command.addAll(List.of("-keystore", store.toString(), "-storepass", PASSWORD));
        Process keytool = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(keytool.getInputStream().readAllBytes(), UTF_8);
        if (keytool.waitFor() != 0) {
            throw new IOException(said);
        }
    }
}
