package dev.sluice.gateway;

/** Carries a {@link Refusal} through a failed {@code Future}; an expected outcome, so without a stack trace. */
final class RefusedException extends Exception {
    private static final long serialVersionUID = 1;

    private final transient Refusal refusal;

    RefusedException(Refusal refusal) {
        super(refusal.detail(), null, false, false);
        this.refusal = refusal;
    }

    Refusal refusal() {
        return refusal;
    }
}
