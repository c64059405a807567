/**
 * The file format from a table of its fields: what is not interpreted is copied by construction,
 * and a field that is not known is refused.
 */
package io.narrow.tflite.schema;
