/** The event contract: what an event is, and every answer that says it is not one. */
@NullMarked
package dev.sluice.events;

import org.jspecify.annotations.NullMarked;
