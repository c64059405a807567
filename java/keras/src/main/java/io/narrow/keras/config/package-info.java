/**
 * Configurations as Keras saves them, of every version in one form: models, layers and their calls.
 */
package io.narrow.keras.config;
