package dev.sluice.gateway;

/** What one item of a request turned out to be. */
sealed interface Verdict permits Event, Refusal {}
