/**
 * The count that streaming makes, in tumbling windows of a minute that wait ten for late events, without outcomes, dead
 * letters, checkpoints or ids: written for Kafka Streams and for Flink as their users would, with the settings that made
 * each of them fastest. Started by {@code make bench}.
 */
@NullMarked
package dev.sluice.peers;

import org.jspecify.annotations.NullMarked;
