/** The whole system on one machine, each part a process of its own. */
@NullMarked
package dev.sluice.local;

import org.jspecify.annotations.NullMarked;
