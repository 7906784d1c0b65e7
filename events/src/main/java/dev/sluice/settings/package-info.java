/** Settings by environment variable: declared once, all problems reported together. */
@NullMarked
package dev.sluice.settings;

import org.jspecify.annotations.NullMarked;
