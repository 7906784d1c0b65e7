package dev.sluice.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.execution.streaming.CheckpointFileManager;
import org.apache.spark.sql.execution.streaming.FileSystemBasedCheckpointFileManager;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalFilesTest {
    private static final String MANAGER = "spark.sql.streaming.checkpointFileManagerClass";

    @TempDir
    Path folder;

    @Test
    void create_file_hasTheModeThatHadoopWouldGiveIt() throws Exception {
        for (String mask : new String[] {"022", "077"}) {
            Configuration configuration = new Configuration();
            configuration.set("fs.permissions.umask-mode", mask);
            try (FileSystem local = new LocalFiles()) {
                local.initialize(folder.toUri(), configuration);
                local.create(path("ours" + mask)).close();
            }
            try (FileSystem hadoops = FileSystem.newInstanceLocal(configuration)) {
                hadoops.create(path("hadoops" + mask)).close();
            }
            assertThat(mode("ours" + mask)).isEqualTo(mode("hadoops" + mask));
        }
        assertThat(mode("ours077")).isEqualTo("rw-------");
    }

    @Test
    void use_localCheckpoint_isForSparksOwnFileManager() throws Exception {
        SparkConf conf = new SparkConf(false).setMaster("local[2]");
        LocalFiles.use(conf, folder.toString());
        assertThat(conf.get(MANAGER)).isEqualTo(FileSystemBasedCheckpointFileManager.class.getName());
        Configuration configuration = new Configuration();
        configuration.set("fs.file.impl", conf.get("spark.hadoop.fs.file.impl"));
        configuration.setBoolean("fs.file.impl.disable.cache", true);
        CheckpointFileManager files = new FileSystemBasedCheckpointFileManager(path(""), configuration);
        for (String text : new String[] {"old", "new"}) {
            try (var out = files.createAtomic(path("file"), true)) {
                out.writeUTF(text);
            }
            try (var in = files.open(path("file"))) {
                assertThat(in.readUTF()).isEqualTo(text);
            }
        }
    }

    @Test
    void use_otherCheckpoint_leavesItToSpark() {
        for (String checkpoint : new String[] {"s3a://bucket/checkpoint", "hdfs://name/checkpoint"}) {
            SparkConf conf = new SparkConf(false).setMaster("local[2]");
            LocalFiles.use(conf, checkpoint);
            assertThat(conf.contains(MANAGER)).isFalse();
        }
        SparkConf cluster = new SparkConf(false).setMaster("k8s://host");
        LocalFiles.use(cluster, "/checkpoint");
        assertThat(cluster.contains(MANAGER)).isFalse();
        LocalFiles.use(cluster, "file:///checkpoint");
        assertThat(cluster.contains(MANAGER)).isTrue();
    }

    private org.apache.hadoop.fs.Path path(String name) {
        return new org.apache.hadoop.fs.Path(folder.toUri().toString(), name.isEmpty() ? "." : name);
    }

    private String mode(String name) throws Exception {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve(name)));
    }
}
