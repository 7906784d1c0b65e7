package dev.sluice.streaming;

/** The store did not take a batch within the time that it has, or never will. The message is for who runs it. */
final class StoreTrouble extends RuntimeException {
    private static final long serialVersionUID = 1;

    StoreTrouble(String message) {
        super(message);
    }
}
