package dev.sluice.local;

import com.sun.management.ThreadMXBean;
import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.ToLongFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/** What a process of a benchmark uses up, as the operating system and its JVM say. */
record Measured(Process process) {
    /** Of Linux on every machine that Java 17 runs on: USER_HZ. */
    private static final double TICKS_PER_SECOND = 100;

    private static final Pattern RESIDENT = Pattern.compile("VmRSS:\\s+(\\d+) kB");

    private static final int UTIME = 11;
    private static final int STIME = 12;

    /** Seconds of CPU since it began: /proc/[pid]/stat. */
    double cpuSeconds() throws IOException {
        String stat = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return (Long.parseLong(fields[UTIME]) + Long.parseLong(fields[STIME])) / TICKS_PER_SECOND;
    }

    /** Bytes of memory that it has now: VmRSS of /proc/[pid]/status. */
    double residentBytes() throws IOException {
        Matcher resident = RESIDENT.matcher(Files.readString(Path.of("/proc/" + process.pid() + "/status")));
        if (!resident.find()) {
            throw new IOException("No VmRSS of process " + process.pid());
        }
        return Long.parseLong(resident.group(1)) * 1024.0;
    }

    /** Bytes that the threads that it has now have allocated since they began. */
    long allocatedBytes() throws IOException {
        return ask(ManagementFactory.THREAD_MXBEAN_NAME, ThreadMXBean.class, threads -> Arrays.stream(
                        threads.getThreadAllocatedBytes(threads.getAllThreadIds()))
                .filter(bytes -> bytes > 0)
                .sum());
    }

    /** Bytes of the heap that are in use after a collection. */
    long usedHeapBytes() throws IOException {
        return ask(ManagementFactory.MEMORY_MXBEAN_NAME, MemoryMXBean.class, memory -> {
            memory.gc();
            return memory.getHeapMemoryUsage().getUsed();
        });
    }

    private <T> long ask(String name, Class<T> type, ToLongFunction<T> question) throws IOException {
        try {
            VirtualMachine machine = VirtualMachine.attach(Long.toString(process.pid()));
            String address = machine.startLocalManagementAgent();
            machine.detach();
            try (JMXConnector connector = JMXConnectorFactory.connect(new JMXServiceURL(address))) {
                return question.applyAsLong(
                        ManagementFactory.newPlatformMXBeanProxy(connector.getMBeanServerConnection(), name, type));
            }
        } catch (AttachNotSupportedException e) {
            throw new IOException(e);
        }
    }
}
