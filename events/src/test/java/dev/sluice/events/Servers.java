package dev.sluice.events;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** What the processes of real servers have in common. */
final class Servers {
    private static final int STOP_SECONDS = 10;

    private Servers() {}

    /** Sends the process a signal by its name, {@code STOP} and {@code CONT} among them. */
    static void signal(Process process, String name) throws IOException, InterruptedException {
        String pid = Long.toString(process.pid());
        if (new ProcessBuilder("kill", "-" + name, pid).start().waitFor() != 0) {
            throw new IOException("kill -" + name + " " + pid + " failed");
        }
    }

    /** SIGKILL, and waits until the process is gone. */
    static void kill(Process process) {
        process.destroyForcibly();
        process.onExit().join();
    }

    /** Stops in order; by force after ten seconds. */
    static void stop(Process process) {
        process.destroy();
        try {
            if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                kill(process);
            }
        } catch (InterruptedException e) {
            kill(process);
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Waits until it takes connections.
     *
     * @throws IllegalStateException where it ended first, or takes too long
     */
    static void awaitPort(Process process, int port, int seconds, Path log) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        while (!RealBroker.accepts(port)) {
            if (!process.isAlive() || System.nanoTime() > deadline) {
                kill(process);
                throw new IllegalStateException("a server did not start; its log is " + log);
            }
        }
    }
}
