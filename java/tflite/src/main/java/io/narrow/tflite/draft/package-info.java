/** A model while it is edited, for the rooms that change graphs. */
package io.narrow.tflite.draft;
