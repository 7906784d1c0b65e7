package dev.sluice.streaming;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.TopicPartition;

/**
 * How far the query is, as its checkpoint and its progress have it:
 * {@code {"watermark":1700000000000,"offsets":{"events":{"0":12,"1":9}}}}.
 *
 * @param watermark milliseconds since 1970 UTC, see {@link Watermark}
 * @param offsets of the next record in each partition
 */
record Position(long watermark, Map<TopicPartition, Long> offsets) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Comparator<TopicPartition> ORDER =
            Comparator.comparing(TopicPartition::topic).thenComparingInt(TopicPartition::partition);

    Position {
        offsets = Map.copyOf(offsets);
    }

    String json() {
        return "{\"watermark\":" + watermark + ",\"offsets\":" + offsetsJson() + "}";
    }

    /** The offsets as Kafka's source has them: {@code {"events":{"0":12,"1":9}}}. */
    String offsetsJson() {
        ObjectNode topics = JSON.createObjectNode();
        offsets.keySet().stream().sorted(ORDER).forEach(partition -> topics.withObject("/" + partition.topic())
                .put(Integer.toString(partition.partition()), offsets.get(partition)));
        return topics.toString();
    }

    /** Records between that position and this one. */
    long recordsSince(Position before) {
        return offsets.entrySet().stream()
                .mapToLong(offset -> offset.getValue() - before.offsets.getOrDefault(offset.getKey(), 0L))
                .sum();
    }

    /** Partitions that have records between that position and this one. */
    long partitionsSince(Position before) {
        return offsets.entrySet().stream()
                .filter(offset -> offset.getValue() > before.offsets.getOrDefault(offset.getKey(), 0L))
                .count();
    }

    /** @throws IllegalArgumentException where the text is not that of a position */
    static Position parse(String text) {
        JsonNode json = read(text);
        if (!json.path("watermark").isIntegralNumber() || !json.path("offsets").isObject()) {
            throw new IllegalArgumentException("not a position: " + text);
        }
        return new Position(json.get("watermark").longValue(), offsets(json.get("offsets")));
    }

    /** Offsets as Kafka's source has them. */
    static Map<TopicPartition, Long> offsets(String text) {
        return offsets(read(text));
    }

    private static Map<TopicPartition, Long> offsets(JsonNode topics) {
        Map<TopicPartition, Long> offsets = new HashMap<>();
        topics.fields().forEachRemaining(topic -> topic.getValue()
                .fields()
                .forEachRemaining(partition -> offsets.put(
                        new TopicPartition(topic.getKey(), Integer.parseInt(partition.getKey())),
                        partition.getValue().longValue())));
        return offsets;
    }

    private static JsonNode read(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not a position: " + text, e);
        }
    }
}
