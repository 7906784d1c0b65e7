package dev.sluice.streaming;

import dev.sluice.settings.Environment;
import dev.sluice.settings.Setting;
import java.util.List;

/**
 * What a {@link Recount} is started with.
 *
 * @param range of receipts
 * @param counting as the query is started, but for its checkpoint and its trigger
 * @param repair whether the store is given what Kafka says
 */
record RecountSettings(TimeRange range, Settings counting, CassandraSettings cassandra, boolean repair) {
    static final Setting<Integer> REPAIR =
            Setting.integer("REPAIR", "0", "`1` makes the store say what a recount counted", 0, 1);

    static final List<Setting<?>> OWN = List.of(REPAIR);

    static RecountSettings read(Environment environment) {
        TimeRange range = TimeRange.read(environment);
        CassandraSettings cassandra = CassandraSettings.collect(environment);
        boolean repair = environment.get(REPAIR) == 1;
        return new RecountSettings(range, Settings.read(environment), cassandra, repair);
    }
}
