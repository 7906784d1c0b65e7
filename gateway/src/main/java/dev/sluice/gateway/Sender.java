package dev.sluice.gateway;

import dev.sluice.events.Field;
import dev.sluice.events.Rejection;
import dev.sluice.settings.TypePattern;
import java.util.List;
import java.util.stream.Collectors;

/**
 * One who sends events.
 *
 * @param name what answers and logs call it
 * @param label what metrics call it: one of a few, and in brackets where it stands for several
 * @param types of events; any where there is none
 */
record Sender(String name, String label, List<TypePattern> types, Quota quota) {
    /** Where nobody is asked who they are. */
    static final Sender ANYONE = new Sender("anyone", "(anyone)", List.of(), Quota.NONE);

    /** The same, or a refusal of an event that this sender may not send. */
    Verdict check(Verdict verdict) {
        return !(verdict instanceof Event event) || allows(event.type())
                ? verdict
                : Refusal.of(
                        Rejection.TYPE_NOT_ALLOWED,
                        Field.EVENT_TYPE,
                        name + " may send "
                                + types.stream().map(TypePattern::toString).collect(Collectors.joining(", ")) + ".");
    }

    private boolean allows(String type) {
        return types.isEmpty() || types.stream().anyMatch(pattern -> pattern.matches(type));
    }
}
