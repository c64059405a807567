/** The goal {@code narrow:quantize}. What it does with a model is what the command does. */
package io.narrow.maven;
