package dev.sluice.local;

/** A part of the system ended, or was never ready; the message says which and why. */
final class ChildDiedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    ChildDiedException(String message) {
        super(message);
    }
}
