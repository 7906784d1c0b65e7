/** HTTP in, Kafka out: admit, read, validate, publish, respond, on Vert.x event loops. */
@NullMarked
package dev.sluice.gateway;

import org.jspecify.annotations.NullMarked;
