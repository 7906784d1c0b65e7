package dev.sluice.streaming;

import java.io.PrintStream;
import java.time.LocalDate;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** Where an {@link Offload} moves counts to. Rows are of {@link StoredDays#COLUMNS}. */
interface Target {
    /** What is there; nothing where there is no such place yet. */
    Dataset<Row> read();

    /**
     * Puts rows there by their keys: one that is there gives way, and what is there beside them stays.
     *
     * @param days in which rows differ from what is there
     * @param rows all of those days that are stored
     */
    void merge(List<LocalDate> days, Dataset<Row> rows);

    /** Tidies up behind a merge. */
    void maintain(PrintStream out);
}
