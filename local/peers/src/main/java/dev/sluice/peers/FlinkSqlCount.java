package dev.sluice.peers;

import java.util.Map;
import java.util.stream.Collectors;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;

/** The count in Flink's SQL, with its JSON format. */
final class FlinkSqlCount {
    private FlinkSqlCount() {}

    static void run(Job job) throws Exception {
        Configuration configuration = new Configuration();
        configuration.set(CoreOptions.DEFAULT_PARALLELISM, job.threads());
        configuration.set(PipelineOptions.OBJECT_REUSE, true);
        TableEnvironment tables = TableEnvironment.create(EnvironmentSettings.newInstance()
                .inStreamingMode()
                .withConfiguration(configuration)
                .build());
        String consumer = job.consumer().entrySet().stream()
                .map((Map.Entry<String, String> each) ->
                        "'properties." + each.getKey() + "' = '" + each.getValue() + "',")
                .collect(Collectors.joining("\n"));
        tables.executeSql("""
                CREATE TABLE events (
                  event_type STRING,
                  `timestamp` BIGINT,
                  event_time AS TO_TIMESTAMP_LTZ(`timestamp`, 3),
                  WATERMARK FOR event_time AS event_time - INTERVAL '%d' MINUTE
                ) WITH (
                  'connector' = 'kafka',
                  'topic' = '%s',
                  'properties.bootstrap.servers' = '%s',
                  %s
                  'scan.startup.mode' = 'earliest-offset',
                  'format' = 'json',
                  'json.ignore-parse-errors' = 'true'
                )""".formatted(Job.LATENESS.toMinutes(), job.topic(), job.servers(), consumer));
        tables.executeSql("""
                CREATE TABLE counts (window_start TIMESTAMP(3), event_type STRING, number BIGINT)
                WITH ('connector' = 'print')""");
        tables.executeSql("""
                INSERT INTO counts
                SELECT window_start, event_type, COUNT(*)
                FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '%d' MINUTE))
                GROUP BY window_start, window_end, event_type""".formatted(Job.WINDOW.toMinutes())).await();
    }
}
