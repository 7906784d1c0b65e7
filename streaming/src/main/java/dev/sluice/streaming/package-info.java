/** Kafka in, counts out: reads events, gives each one outcome, counts them per window and type. */
@NullMarked
package dev.sluice.streaming;

import org.jspecify.annotations.NullMarked;
