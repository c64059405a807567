/**
 * Code that feeds a model and reads what it gives, to start an application from: {@link
 * io.narrow.tflite.snippet.Snippet#of}. A language is a template and a few words in a table.
 */
package io.narrow.tflite.snippet;
