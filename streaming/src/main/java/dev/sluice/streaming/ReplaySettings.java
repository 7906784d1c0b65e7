package dev.sluice.streaming;

import dev.sluice.settings.Environment;
import dev.sluice.settings.Setting;
import dev.sluice.settings.Topics;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What a {@link Replay} is started with.
 *
 * @param topics those that are read, and may be sent to
 * @param range of the letters' own timestamps
 * @param reasons codes of outcomes
 */
record ReplaySettings(
        Set<String> topics,
        String deadLetters,
        Map<String, String> consumer,
        TimeRange range,
        List<String> reasons,
        boolean dryRun) {

    private static final List<String> ALL_REASONS = Arrays.stream(Outcome.values())
            .filter(outcome -> outcome != Outcome.COUNTED)
            .map(Outcome::code)
            .toList();

    static final Setting<List<String>> REASON = Setting.list(
            "REASON",
            "the outcomes whose letters are replayed, `malformed,future`; by default all",
            String.join(", ", ALL_REASONS),
            Pattern.compile(String.join("|", ALL_REASONS)));

    static final Setting<Integer> DRY_RUN = Setting.integer(
            "DRY_RUN", "0", "`1` shows what a replay would send or an offload would move, and does neither", 0, 1);

    static final List<Setting<?>> OWN = List.of(REASON, DRY_RUN);

    static ReplaySettings read(Environment environment) {
        TimeRange range = TimeRange.read(environment);
        List<String> reasons = environment.get(REASON);
        boolean dryRun = environment.get(DRY_RUN) == 1;
        if (!environment.isSet(Topics.DEAD_LETTERS)) {
            environment.problem(Topics.DEAD_LETTERS.name() + ": must name the topic that is replayed");
        }
        Settings settings = Settings.read(environment);
        return new ReplaySettings(
                settings.topics().all(),
                settings.deadLetters().orElseThrow(),
                settings.consumer(),
                range,
                reasons.isEmpty() ? ALL_REASONS : reasons,
                dryRun);
    }
}
