package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.settings.TypePattern;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One who may send events, as the file of keys has it: the secret itself is not in there. A secret is 256 random bits, so that a
 * hash which takes long would make it no harder to guess, and each request longer.
 *
 * <pre>{@code
 * {"name":"shop","salt":"gE0…","hash":"x3F…","types":["purchase.*","page_view"],"expires":"2027-01-01T00:00:00Z",
 *  "events_per_second":1000,"bytes_per_second":1000000}
 * }</pre>
 *
 * @param salt bytes in Base64, as is {@code hash}
 * @param hash SHA-256 of the salt and the secret's characters
 * @param types of events; any where there is none
 * @param expires null for never
 * @param quota {@link Quota#NONE} where it has none of its own
 */
record ApiKey(
        String name,
        String salt,
        String hash,
        List<TypePattern> types,
        @Nullable Instant expires,
        Quota quota) {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");
    private static final Pattern TYPE = Pattern.compile("[A-Za-z0-9._:/*-]{1,128}");
    private static final int SALT_BYTES = 16;
    private static final int SECRET_BYTES = 32;
    private static final int HASH_BYTES = 32;
    private static final String EVENTS = "events_per_second";
    private static final String BYTES = "bytes_per_second";
    private static final ObjectMapper JSON = new ObjectMapper();

    /** A key, and what its owner sends: the name, a dot and the secret. */
    record Issued(ApiKey key, String token) {}

    /** @throws IllegalArgumentException that says which part is wrong */
    static Issued issue(String name, List<String> types, @Nullable Instant expires, Quota quota) {
        SecureRandom random = new SecureRandom();
        byte[] salt = new byte[SALT_BYTES];
        random.nextBytes(salt);
        byte[] bytes = new byte[SECRET_BYTES];
        random.nextBytes(bytes);
        String secret = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
        ApiKey key = new ApiKey(name, base64(salt), base64(hash(salt, secret)), patterns(types), expires, quota);
        // what is written is what can be read
        return new Issued(parse(key.json()), name + "." + secret);
    }

    /** @throws IllegalArgumentException that says which part is wrong */
    static ApiKey parse(JsonNode json) {
        String name = json.path("name").asText();
        check(NAME.matcher(name).matches(), "name: letters, digits, _ and -, 64 at most");
        List<String> types = new ArrayList<>();
        JsonNode list = json.path("types");
        check(list.isMissingNode() || list.isArray(), name + ": types is a list of texts");
        list.forEach(type -> {
            check(TYPE.matcher(type.asText()).matches(), name + ": " + type + " is no type of events");
            types.add(type.asText());
        });
        return new ApiKey(
                name,
                bytes(json, name, "salt", SALT_BYTES),
                bytes(json, name, "hash", HASH_BYTES),
                patterns(types),
                expires(json, name),
                Quota.of(aSecond(json, name, EVENTS), aSecond(json, name, BYTES)));
    }

    private static long aSecond(JsonNode json, String name, String field) {
        JsonNode number = json.path(field);
        check(
                number.isMissingNode() || (number.canConvertToExactIntegral() && number.asLong() > 0),
                name + ": " + field + " is a whole number above 0");
        return number.asLong();
    }

    private static List<TypePattern> patterns(List<String> types) {
        return types.stream().map(TypePattern::new).toList();
    }

    private static @Nullable Instant expires(JsonNode json, String name) {
        String text = json.path("expires").asText();
        try {
            return text.isEmpty() ? null : Instant.parse(text);
        } catch (DateTimeException e) {
            throw new IllegalArgumentException(name + ": expires is a time such as 2027-01-01T00:00:00Z", e);
        }
    }

    private static String bytes(JsonNode json, String name, String field, int length) {
        String text = json.path(field).asText();
        int found = 0;
        try {
            found = Base64.getDecoder().decode(text).length;
        } catch (IllegalArgumentException notBase64) {
            // none of its bytes is one
        }
        check(found == length, name + ": " + field + " is " + length + " bytes in Base64");
        return text;
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    private static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }

    ObjectNode json() {
        ObjectNode json =
                JSON.createObjectNode().put("name", name).put("salt", salt).put("hash", hash);
        if (!types.isEmpty()) {
            ArrayNode list = json.putArray("types");
            types.forEach(type -> list.add(type.toString()));
        }
        if (expires != null) {
            json.put("expires", expires.toString());
        }
        if (quota.events() > 0) {
            json.put(EVENTS, quota.events());
        }
        if (quota.bytes() > 0) {
            json.put(BYTES, quota.bytes());
        }
        return json;
    }

    /** Takes as long for a secret that is nearly right as for any other. */
    boolean isSecret(String secret) {
        Base64.Decoder base64 = Base64.getDecoder();
        return MessageDigest.isEqual(base64.decode(hash), hash(base64.decode(salt), secret));
    }

    boolean isExpired(Instant now) {
        return expires != null && !now.isBefore(expires);
    }

    /** @param others quotas of those who have none of their own */
    Sender sender(Quotas others) {
        return new Sender(name, name, types, quota.equals(Quota.NONE) ? others.of("key " + name) : quota);
    }

    private static byte[] hash(byte[] salt, String secret) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(salt);
            return digest.digest(secret.getBytes(UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
