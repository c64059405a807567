//---- program
// Runs $MODEL: java -cp narrow-tflite.jar... $FILE MODEL INPUT...
// Each input is a file of little-endian float32. `write` quantizes and `read` dequantizes where the model has integers.

import io.narrow.tflite.runtime.Interpreter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

public final class RunModel {
  public static void main(String[] args) throws IOException {
    try (Interpreter model = Interpreter.open(Path.of(args[0]), Interpreter.Options.DEFAULT)) {
$FEED      model.run();
$READ    }
  }

  private static FloatBuffer floats(String file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(Path.of(file)));
    return bytes.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
  }

  private static void print(float[] values) {
    StringBuilder line = new StringBuilder();
    for (float value : values) {
      line.append(value).append(' ');
    }
    System.out.println(line.toString().strip());
  }
}
//---- input
      model.write($POSITION, floats(args[$NEXT])); // $WHAT
//---- output
      print(model.read($POSITION)); // $WHAT
