/**
 * The command {@code narrow}: a class for each command, options that several of them share, and
 * text. What it computes, the libraries do.
 */
package io.narrow.cli;
