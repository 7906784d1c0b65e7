package dev.sluice.peers;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.jspecify.annotations.Nullable;

/** The count in Flink's DataStream API, with a parser of our own. */
final class FlinkCount {
    private FlinkCount() {}

    static void run(Job job) throws Exception {
        Configuration configuration = new Configuration();
        configuration.set(PipelineOptions.OBJECT_REUSE, true);
        StreamExecutionEnvironment flink = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
        flink.setParallelism(job.threads());
        KafkaSource<Event> events = KafkaSource.<Event>builder()
                .setBootstrapServers(job.servers())
                .setTopics(job.topic())
                .setProperties(job.properties())
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setValueOnlyDeserializer(new Parser())
                .build();
        flink.fromSource(
                        events,
                        WatermarkStrategy.<Event>forBoundedOutOfOrderness(Job.LATENESS)
                                .withTimestampAssigner((event, received) -> event.timestamp),
                        "events")
                .keyBy(event -> event.type)
                .window(TumblingEventTimeWindows.of(Job.WINDOW))
                .aggregate(new Count())
                .print();
        flink.execute();
    }

    private static final class Parser extends AbstractDeserializationSchema<Event> {
        private static final long serialVersionUID = 1;

        @Override
        public @Nullable Event deserialize(byte[] message) {
            return EventJson.read(message);
        }
    }

    private static final class Count implements AggregateFunction<Event, Long, Long> {
        private static final long serialVersionUID = 1;

        @Override
        public Long createAccumulator() {
            return 0L;
        }

        @Override
        public Long add(Event event, Long count) {
            return count + 1;
        }

        @Override
        public Long getResult(Long count) {
            return count;
        }

        @Override
        public Long merge(Long one, Long other) {
            return one + other;
        }
    }
}
