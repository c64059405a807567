package io.narrow.kernels.internal;

import org.bytedeco.javacpp.annotation.CriticalRegion;
import org.bytedeco.javacpp.annotation.NoException;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/**
 * Tells JavaCPP how to turn {@code narrow/kernels.h} and {@code narrow/process.h} into {@link
 * NativeFunctions}: every function once with pointers and once with arrays.
 *
 * <p>The two annotations are inherited by the generated class. {@code CriticalRegion} passes arrays
 * without a copy. There are no overloads for NIO buffers: JavaCPP 1.5.14 corrupts the heap when
 * such a buffer is a slice of an array.
 */
@Properties(
    value =
        @Platform(
            include = {"narrow/kernels.h", "narrow/process.h"},
            library = "jninarrow"),
    target = "io.narrow.kernels.internal.NativeFunctions")
@CriticalRegion
@NoException
public class NativeFunctionsConfig implements InfoMapper {
  @Override
  public void map(InfoMap infos) {
    infos
        .put(info("float", "float"))
        .put(info("double", "double"))
        .put(info("int8_t", "byte"))
        .put(info("uint8_t", "byte"))
        .put(info("int16_t", "short"))
        .put(info("uint16_t", "short"))
        .put(info("int32_t", "int"))
        .put(info("int64_t", "long"));
  }

  private static Info info(String c, String java) {
    return new Info(c).cast().valueTypes(java).pointerTypes("Pointer", java + "[]");
  }
}
