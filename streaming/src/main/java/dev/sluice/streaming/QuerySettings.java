package dev.sluice.streaming;

import dev.sluice.settings.Environment;
import dev.sluice.settings.Setting;
import java.util.List;

/**
 * What a {@link Query} is started with.
 *
 * @param sql one statement
 */
record QuerySettings(OffloadSettings offload, String sql) {
    static final Setting<String> SQL = Setting.text(
            "SQL",
            "",
            "what `make query` asks: `counts` is all of them, `live` what Cassandra has, `moved` what was moved");

    static final List<Setting<?>> OWN = List.of(SQL);

    static QuerySettings read(Environment environment) {
        OffloadSettings offload = OffloadSettings.collect(environment);
        String sql = environment.get(SQL);
        if (sql.isBlank()) {
            environment.problem(SQL.name() + ": must be a statement, such as SELECT * FROM counts LIMIT 10");
        }
        environment.check();
        return new QuerySettings(offload, sql);
    }
}
