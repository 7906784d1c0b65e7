package dev.sluice.peers;

/** Runs one of the jobs until it is killed. */
final class Main {
    private static final int THREADS = 2;

    private Main() {}

    /**
     * Returns when the job has failed.
     *
     * @param arguments {@code kafka-streams}, {@code flink-sql} or {@code flink}; servers of Kafka; topic
     */
    public static void main(String[] arguments) throws Exception {
        Job job = new Job(arguments[1], arguments[2], THREADS);
        switch (arguments[0]) {
            case "kafka-streams" -> StreamsCount.run(job);
            case "flink-sql" -> FlinkSqlCount.run(job);
            case "flink" -> FlinkCount.run(job);
            default -> throw new IllegalArgumentException("No job is called " + arguments[0]);
        }
    }
}
