package dev.sluice.gateway;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** {@code make api-key}: adds a key to the file, in the place of one of the same name, and shows it this once. */
public final class NewApiKey {
    private static final ObjectMapper JSON = new ObjectMapper();

    private NewApiKey() {}

    public static void main(String[] arguments) {
        Map<String, String> variables = System.getenv();
        try {
            List<String> types = types(variables.getOrDefault("TYPES", ""));
            String token = add(
                    Path.of(variables.getOrDefault("API_KEYS_FILE", "api-keys.json")),
                    variables.getOrDefault("NAME", ""),
                    types,
                    expires(variables.getOrDefault("EXPIRES", "")),
                    Quota.of(aSecond(variables, "EVENTS_PER_SECOND"), aSecond(variables, "BYTES_PER_SECOND")));
            System.out.println("The key, which is nowhere else:\n\n  " + token
                    + "\n\nSent as\n\n  curl -H 'Authorization: Bearer " + token + "' -d '{\"event_type\":\""
                    + (types.isEmpty() ? "user_click" : types.get(0).replace("*", "done"))
                    + "\"}' http://localhost:5000/api/events");
        } catch (IOException | IllegalArgumentException e) {
            System.err.println("No key: " + e.getMessage()
                    + "\nNAME=shop make api-key; TYPES=purchase.*,page_view for those alone, EXPIRES=2027-01-01T00:00:00Z,"
                    + " EVENTS_PER_SECOND=1000 and BYTES_PER_SECOND=1000000 for a quota, API_KEYS_FILE=api-keys.json");
            System.exit(1);
        }
    }

    private static List<String> types(String text) {
        return Pattern.compile(",")
                .splitAsStream(text)
                .map(String::strip)
                .filter(type -> !type.isEmpty())
                .toList();
    }

    private static long aSecond(Map<String, String> variables, String name) {
        String text = variables.getOrDefault(name, "");
        if (!text.matches("[1-9][0-9]{0,11}|")) {
            throw new IllegalArgumentException(name + "=" + text + ": must be a whole number above 0");
        }
        return text.isEmpty() ? 0 : Long.parseLong(text);
    }

    private static @Nullable Instant expires(String text) {
        try {
            return text.isEmpty() ? null : Instant.parse(text);
        } catch (DateTimeException e) {
            throw new IllegalArgumentException("EXPIRES=" + text + ": must be a time such as 2027-01-01T00:00:00Z", e);
        }
    }

    /**
     * What the owner sends.
     *
     * @throws IllegalArgumentException where the name, a type or the file is none
     */
    static String add(Path file, String name, List<String> types, @Nullable Instant expires, Quota quota)
            throws IOException {
        ApiKey.Issued issued = ApiKey.issue(name, types, expires, quota);
        ObjectNode all = JSON.createObjectNode();
        ArrayNode keys = all.putArray("keys");
        if (Files.exists(file)) {
            ApiKeys.parse(Files.readAllBytes(file)).values().stream()
                    .filter(key -> !key.name().equals(name))
                    .map(ApiKey::json)
                    .forEach(keys::add);
        }
        keys.add(issued.key().json());
        // as a whole: a gateway may read it at any time
        Path written = Files.createTempFile(
                file.toAbsolutePath().getParent(),
                "keys",
                ".json",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(written, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(all));
        Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
        return issued.token();
    }
}
