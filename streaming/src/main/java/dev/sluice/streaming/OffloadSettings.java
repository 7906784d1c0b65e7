package dev.sluice.streaming;

import dev.sluice.settings.Environment;
import dev.sluice.settings.Setting;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;

/**
 * What an {@link Offload} is started with.
 *
 * @param path of the tables, a folder or a URL
 * @param mongo how MongoDB is reached
 * @param after how long ago a window ended that is moved
 * @param retention how long Cassandra keeps what was moved; for ever where empty
 */
record OffloadSettings(
        CassandraSettings cassandra,
        Format format,
        String path,
        String s3,
        String mongo,
        Duration after,
        Optional<Duration> retention,
        boolean dryRun) {

    /** What counts are moved to. */
    enum Format {
        ICEBERG,
        PARQUET,
        MONGODB
    }

    static final Setting<Format> FORMAT = Setting.choice(
            Format.class,
            "OFFLOAD_FORMAT",
            Format.ICEBERG,
            "what `make offload` moves counts to: `iceberg`, `parquet` or `mongodb`");
    static final Setting<String> PATH = Setting.text(
            "OFFLOAD_PATH", ".sluice/lake", "folder or URL of the moved counts, such as `s3://bucket/counts`");
    static final Setting<Duration> AFTER =
            Setting.duration("OFFLOAD_AFTER", "1h", "how long ago a window has ended that is moved");
    static final Setting<Optional<Duration>> RETENTION = Setting.optionalDuration(
            "CASSANDRA_RETENTION",
            "how long Cassandra keeps days that were moved; by default for ever, and nothing is deleted there");
    static final Setting<String> S3_ENDPOINT = Setting.text(
            "S3_ENDPOINT",
            "",
            "URL of an S3 that is not Amazon's; keys are `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`");
    static final Setting<String> MONGODB_URI = Setting.text(
            "MONGODB_URI", "", "how MongoDB is reached, `mongodb://host:27017/sluice`, for `OFFLOAD_FORMAT=mongodb`");

    private static final Pattern MONGODB = Pattern.compile("mongodb(\\+srv)?://[^/]+/[^/?]+(\\?.*)?");

    static final List<Setting<?>> OWN = List.of(FORMAT, PATH, AFTER, RETENTION, S3_ENDPOINT, MONGODB_URI);

    /** As the job needs them. */
    static OffloadSettings read(Environment environment) {
        OffloadSettings settings = collect(environment);
        environment.check();
        return settings;
    }

    static OffloadSettings collect(Environment environment) {
        OffloadSettings settings = new OffloadSettings(
                CassandraSettings.collect(environment),
                environment.get(FORMAT),
                environment.get(PATH).replaceFirst("^s3://", "s3a://"),
                environment.get(S3_ENDPOINT),
                environment.get(MONGODB_URI),
                environment.get(AFTER),
                environment.get(RETENTION),
                environment.get(ReplaySettings.DRY_RUN) == 1);
        if (settings.format == Format.MONGODB
                && !MONGODB.matcher(settings.mongo).matches()) {
            environment.problem(MONGODB_URI.name() + ": must say where MongoDB is and name a database,"
                    + " mongodb://host:27017/sluice, for OFFLOAD_FORMAT=mongodb");
        }
        Duration least = settings.after.plusDays(1);
        if (settings.retention
                .filter(retention -> retention.compareTo(least) < 0)
                .isPresent()) {
            environment.problem(
                    RETENTION.name() + ": must be a day longer than OFFLOAD_AFTER at least, for whole days are"
                            + " given up, and only what was moved");
        }
        if (settings.format == Format.PARQUET && settings.retention.isPresent()) {
            environment.problem(
                    RETENTION.name() + ": cannot go with OFFLOAD_FORMAT=parquet, which has no atomic commit:"
                            + " move to Iceberg, or leave the counts in Cassandra");
        }
        return settings;
    }

    /** Without secrets. */
    @Override
    public String toString() {
        return format + " at " + path;
    }

    Target target(SparkSession spark) {
        Configuration hadoop = spark.sparkContext().hadoopConfiguration();
        Map<String, String> options = new HashMap<>();
        // Hadoop's own would go on for a quarter of an hour where nobody answers
        options.put("fs.s3a.attempts.maximum", "3");
        options.put("fs.s3a.retry.limit", "3");
        if (!s3.isEmpty()) {
            options.put("fs.s3a.endpoint", s3);
            // names of buckets are not names of hosts there
            options.put("fs.s3a.path.style.access", "true");
        }
        options.forEach((name, value) -> {
            if (!spark.sparkContext().conf().contains("spark.hadoop." + name)) {
                hadoop.set(name, value);
            }
        });
        return switch (format) {
            case ICEBERG -> new IcebergTarget(spark, absolute(hadoop));
            case PARQUET -> new ParquetTarget(spark, absolute(hadoop));
            case MONGODB -> new MongoTarget(spark, mongo);
        };
    }

    /** Iceberg's metadata names files by where they are, whatever folder the next reader is started in. */
    private String absolute(Configuration hadoop) {
        Path given = new Path(path);
        try {
            FileSystem files = given.getFileSystem(hadoop);
            // fails where nobody answers, and says so before a job does
            files.exists(given);
            return files.makeQualified(given).toString();
        } catch (IOException e) {
            throw new IllegalStateException(
                    PATH.name() + "=" + path + (s3.isEmpty() ? "" : ", S3_ENDPOINT=" + s3) + ": " + e.getMessage());
        }
    }
}
