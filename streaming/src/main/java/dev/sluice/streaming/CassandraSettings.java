package dev.sluice.streaming;

import dev.sluice.settings.CassandraAddress;
import dev.sluice.settings.Environment;
import dev.sluice.settings.Setting;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/**
 * How Cassandra is reached, and what is done there.
 *
 * @param create whether keyspace and tables that are missing may be created
 * @param replicas in the data centre, of a keyspace that is created
 * @param patience how long a batch waits for a cluster that does not take it
 */
record CassandraSettings(CassandraAddress address, boolean create, int replicas, Duration patience)
        implements Serializable {
    static final Setting<Integer> CREATE = Setting.integer(
            "CASSANDRA_CREATE", "0", "`1` creates the keyspace and the tables where they are missing", 0, 1);
    static final Setting<Integer> REPLICAS = Setting.integer(
            "CASSANDRA_REPLICAS", "3", "copies of each row in the data centre, of a keyspace that is created", 1, 100);
    static final Setting<Duration> PATIENCE = Setting.duration(
            "STORE_PATIENCE",
            "10m",
            "how long a batch waits for a store that takes nothing, before streaming ends with status 1");

    static final List<Setting<?>> ALL = Stream.concat(
                    CassandraAddress.SETTINGS.stream(), Stream.<Setting<?>>of(CREATE, REPLICAS, PATIENCE))
            .toList();

    /** What is wrong is noted in {@code environment}. */
    static CassandraSettings collect(Environment environment) {
        return new CassandraSettings(
                CassandraAddress.collect(environment),
                environment.get(CREATE) == 1,
                environment.get(REPLICAS),
                environment.get(PATIENCE));
    }

    String keyspace() {
        return address.keyspace();
    }

    @Override
    public String toString() {
        return address.toString();
    }
}
