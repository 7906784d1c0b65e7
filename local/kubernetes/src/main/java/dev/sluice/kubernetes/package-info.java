/** Images of gateway and streaming, made without an engine. */
@org.jspecify.annotations.NullMarked
package dev.sluice.kubernetes;
