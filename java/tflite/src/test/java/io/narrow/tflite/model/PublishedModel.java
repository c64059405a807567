package io.narrow.tflite.model;

import io.narrow.tflite.schema.Table;
import io.narrow.tflite.schema.TableWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.util.List;

/** Models with metadata of their publisher. */
public final class PublishedModel {
  public static final String PICTURE = "ImageProperties";

  private PublishedModel() {}

  /** A model of two inputs, with these metadata for the second one. */
  public static Model of(String properties, float[] mean, float[] std) {
    ModelBuilder b = new ModelBuilder(1);
    int other = b.floats("other", 1, 3);
    int picture = b.floats("picture", 1, 3);
    int sum = b.floats("sum", 1, 3);
    Model model =
        b.operator("ADD", new int[] {other, picture}, sum)
            .inputs(other, picture)
            .outputs(sum)
            .build();
    Table options = Table.of("NormalizationOptions").with("mean", mean).with("std", std);
    Table content =
        Table.of("Content")
            .with("content_properties_type", properties.equals(PICTURE) ? 2 : 1)
            .with("content_properties", Table.of(properties));
    Table input =
        Table.of("TensorMetadata")
            .with("name", "image")
            .with("content", content)
            .with(
                "process_units",
                List.of(Table.of("ProcessUnit").with("options_type", 1).with("options", options)));
    Table graph =
        Table.of("SubGraphMetadata")
            .with("input_tensor_metadata", List.of(Table.of("TensorMetadata"), input));
    return model.withMetadata(
        "TFLITE_METADATA",
        bytes(Table.of("ModelMetadata").with("subgraph_metadata", List.of(graph))));
  }

  private static ByteBuffer bytes(Table root) {
    try {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      new TableWriter(root, "M001").write(Channels.newChannel(bytes));
      return ByteBuffer.wrap(bytes.toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
