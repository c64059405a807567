/**
 * Pages of one file each, without network, over what the command's {@code --json} prints: {@link
 * io.narrow.report.ModelDocument} makes such a document of a model, {@link io.narrow.report.Page}
 * shows one. Documents need nothing but the model; what lays out graphs is loaded by a page alone.
 */
package io.narrow.report;
