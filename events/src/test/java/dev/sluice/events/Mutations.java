package dev.sluice.events;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** Golden samples with some bytes changed: near to an event, where readers differ. */
public final class Mutations {
    /** Each character is one byte. */
    private static final List<String> PIECES = List.of(
            "\"",
            "\\",
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            " ",
            "\n",
            "\0",
            "0",
            "9",
            "-",
            "-0",
            "1.0",
            "1e3",
            "0.1E-2",
            "null",
            "true",
            "NaN",
            "Infinity",
            "//",
            "/**/",
            "#",
            "'",
            "a",
            "\"\"",
            "{}",
            "[]",
            "\\u0000",
            "\\ud83d",
            "\\ude00",
            "\\u0065",
            "\\x",
            "\u00ef\u00bb\u00bf",
            "\u00c0\u00af",
            "\u00ed\u00a0\u0080",
            "\u00ff",
            "\u00f0\u009f\u0098\u0080",
            "\u00c3\u00a9",
            "99999999999999999999",
            "253402300799999",
            "253402300800000",
            "\"event_type\":\"b\"",
            "\"timestamp\":7",
            "\"event_id\":\"i\"",
            "\"params\":{}",
            ",\"timestamp\":1",
            ",\"event_id\":\"\\\"\"",
            "{\"n\":[1,{\"m\":2}]}");

    private static final int LONGEST = 4_000;
    private static final int MOST_EDITS = 4;

    private static final List<byte[]> SAMPLES = Stream.concat(
                    Golden.valid().stream().map(Golden.Valid::bytes),
                    Golden.invalid().stream().map(Golden.Invalid::bytes))
            .filter(sample -> sample.length <= LONGEST)
            .toList();

    private Mutations() {}

    /** A sample after none to some edits. */
    public static byte[] next(Random random) {
        byte[] bytes = SAMPLES.get(random.nextInt(SAMPLES.size()));
        for (int edits = random.nextInt(MOST_EDITS + 1); edits > 0; edits--) {
            bytes = edit(bytes, random);
        }
        return bytes;
    }

    /** Puts a piece, or a stretch of the bytes themselves, in the place of a stretch that may be empty. */
    private static byte[] edit(byte[] bytes, Random random) {
        int from = random.nextInt(bytes.length + 1);
        int length = random.nextInt(4) == 0 ? random.nextInt(12) : random.nextInt(2);
        int to = Math.min(bytes.length, from + length);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(bytes, 0, from);
        switch (random.nextInt(4)) {
            case 0 -> out.write(random.nextInt(256));
            case 1 -> {
                int start = random.nextInt(bytes.length + 1);
                out.write(bytes, start, Math.min(bytes.length - start, random.nextInt(20)));
            }
            case 2 -> {
                // takes away only
            }
            default -> out.writeBytes(PIECES.get(random.nextInt(PIECES.size())).getBytes(ISO_8859_1));
        }
        out.write(bytes, to, bytes.length - to);
        return out.toByteArray();
    }
}
