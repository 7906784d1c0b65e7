package dev.sluice.streaming;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.execution.streaming.FileSystemBasedCheckpointFileManager;

/**
 * Hadoop's local file system, without the processes. Hadoop runs {@code chmod} for each file that it creates, and Spark's
 * way to write a checkpoint {@code readlink} four times more: sixty processes for each batch, which took as long as the
 * counting.
 */
public final class LocalFiles extends LocalFileSystem {
    /** Spark's setting, and Hadoop's where Spark's is not asked. */
    static final String MANAGER = "spark.sql.streaming.checkpointFileManagerClass";

    /** For Hadoop. */
    public LocalFiles() {
        super(new Raw());
    }

    /** Makes Spark write that checkpoint in this way, if it is on a local file system. */
    static void use(SparkConf conf, String checkpoint) {
        if (new Path(checkpoint).toUri().getScheme() == null ? isLocal(conf) : checkpoint.startsWith("file:")) {
            conf.setIfMissing("spark.hadoop.fs.file.impl", LocalFiles.class.getName());
            conf.setIfMissing(MANAGER, FileSystemBasedCheckpointFileManager.class.getName());
        }
    }

    private static boolean isLocal(SparkConf conf) {
        return conf.get("spark.hadoop.fs.defaultFS", "file:").startsWith("file:")
                && conf.get("spark.master", "").startsWith("local");
    }

    private static final class Raw extends RawLocalFileSystem {
        @Override
        public void setPermission(Path path, FsPermission permission) throws IOException {
            PosixFileAttributeView file =
                    Files.getFileAttributeView(pathToFile(path).toPath(), PosixFileAttributeView.class);
            if (file == null || permission.getStickyBit()) {
                super.setPermission(path, permission);
            } else {
                file.setPermissions(PosixFilePermissions.fromString(permission.toString()));
            }
        }
    }
}
