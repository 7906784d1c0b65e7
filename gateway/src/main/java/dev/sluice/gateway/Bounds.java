package dev.sluice.gateway;

import java.time.Duration;

/**
 * How much one request may hold.
 *
 * @param bodyBytes of the body as it comes in
 * @param inflatedBytes of a compressed body after inflating
 * @param batchEvents items of one batch
 * @param eventBytes of one event
 * @param nesting objects and arrays inside one another within a field
 * @param bodyTimeout from the request's headers to the end of its body
 */
record Bounds(int bodyBytes, int inflatedBytes, int batchEvents, int eventBytes, int nesting, Duration bodyTimeout) {}
