/** What is read from files: HDF5 and its weights, archives, and the bound on the time it takes. */
package io.narrow.keras.file;
