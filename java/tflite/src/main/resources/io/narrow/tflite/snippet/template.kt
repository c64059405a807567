//---- program
// Runs $MODEL: $FILE MODEL INPUT..., with narrow-tflite on the class path
// Each input is a file of little-endian float32. `write` quantizes and `read` dequantizes where the model has integers.

import io.narrow.tflite.runtime.Interpreter
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer
import java.nio.file.Files
import java.nio.file.Path

fun main(args: Array<String>) {
    Interpreter.open(Path.of(args[0]), Interpreter.Options.DEFAULT).use { model ->
$FEED        model.run()
$READ    }
}

private fun floats(file: String): FloatBuffer =
    ByteBuffer.wrap(Files.readAllBytes(Path.of(file))).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
//---- input
        model.write($POSITION, floats(args[$NEXT])) // $WHAT
//---- output
        println(model.read($POSITION).joinToString(" ")) // $WHAT
