package dev.sluice.gateway;

import dev.sluice.events.Field;
import dev.sluice.events.Rejection;
import org.jspecify.annotations.Nullable;

/**
 * One "no": why, about which declared field, and a sentence for the person who sent it.
 *
 * @param field null where no declared field is at fault
 */
record Refusal(Rejection rejection, @Nullable Field field, String detail) implements Verdict {
    static Refusal of(Rejection rejection, String detail) {
        return new Refusal(rejection, null, detail);
    }

    static Refusal of(Rejection rejection, Field field, String detail) {
        return new Refusal(rejection, field, detail);
    }

    /** As the failure of a {@code Future}. */
    RefusedException asException() {
        return new RefusedException(this);
    }
}
