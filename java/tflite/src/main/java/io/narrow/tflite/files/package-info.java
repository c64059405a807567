/** Files as they are written: whole or not at all, into devices too. */
package io.narrow.tflite.files;
