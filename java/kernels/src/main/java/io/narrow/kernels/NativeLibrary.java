package io.narrow.kernels;

import io.narrow.kernels.internal.NativeFunctions;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Pointer;

/**
 * Finds and loads the native library, once per process.
 *
 * <p>JavaCPP's own loader is not used: it fails in a static initializer, and what it tried is lost.
 * Here nothing is thrown; what was tried is kept as text. On the way to a loaded library there are
 * no lambdas, formats or regular expressions: the first of each costs 10 ms and more.
 */
final class NativeLibrary {
  /** Path of a library to load instead of the one in the jar. */
  static final String PATH_PROPERTY = "narrow.kernels.library";

  private static final String NAME = "jninarrow";
  private static final String PACKAGE = "io/narrow/kernels/internal/";

  private static NativeLibrary instance;

  private final List<String> trail = new ArrayList<>();
  private final boolean loaded;
  private String remedy;

  private NativeLibrary() {
    String path = System.getProperty(PATH_PROPERTY);
    if (!hasJavaCpp()) {
      remedy = "add the jar org.bytedeco:javacpp to the class path";
      loaded = false;
    } else if (path != null) {
      remedy = "let -D" + PATH_PROPERTY + " name a library that can be loaded, or leave it out";
      loaded = load("-D" + PATH_PROPERTY, Path.of(path).toAbsolutePath());
    } else {
      loaded = loadResource(Platform.name()) || attempt("java.library.path", null);
    }
  }

  /** Native code would say so on stderr, and less clearly. */
  private boolean hasJavaCpp() {
    try {
      return !Pointer.class.getName().isEmpty();
    } catch (NoClassDefFoundError e) {
      trail.add("class path: no " + e.getMessage());
      return false;
    }
  }

  static synchronized NativeLibrary get() {
    if (instance == null) {
      instance = new NativeLibrary();
    }
    return instance;
  }

  boolean isLoaded() {
    return loaded;
  }

  /** What was tried, in order, a sentence each. */
  List<String> trail() {
    return trail;
  }

  /** Everything a user needs to know where the library could not be loaded, in one line. */
  String warning() {
    return "No native kernels: the Java kernels give the same results, more slowly. For native ones "
        + remedy
        + "; to do without and not be told, set -D"
        + Selection.PROPERTY
        + "=java. Tried: "
        + String.join("; ", trail);
  }

  private boolean loadResource(String platform) {
    String name = PACKAGE + platform + "/" + System.mapLibraryName(NAME);
    URL resource = NativeLibrary.class.getClassLoader().getResource(name);
    if (resource == null) {
      remedy = "add the jar narrow-kernels with the classifier " + platform + " to the class path";
      trail.add("class path: no " + name);
      return false;
    }
    remedy = "let -D" + LibraryCache.PROPERTY + "=DIR name a directory libraries can be run from";
    try {
      if (resource.getProtocol().equals("file")) {
        return load("class path", Path.of(URI.create(resource.toString())));
      }
      byte[] library;
      try (InputStream in = resource.openStream()) {
        library = in.readAllBytes();
      }
      return load(LibraryCache.first(), library) || load(LibraryCache.second(), library);
    } catch (IOException e) {
      trail.add("class path: " + resource + " cannot be read: " + e);
      return false;
    }
  }

  private boolean load(LibraryCache cache, byte[] library) {
    if (cache == null) {
      return false;
    }
    try {
      return load(cache.title(), cache.store(System.mapLibraryName(NAME), library));
    } catch (IOException e) {
      trail.add(cache.title() + ": cannot write to " + cache.directory() + ": " + e);
      return false;
    }
  }

  private boolean load(String how, Path file) {
    if (!Files.exists(file)) {
      trail.add(how + ": " + file + " does not exist");
      return false;
    }
    return attempt(how + ": " + file, file);
  }

  /** Loads a file, or without one what the system finds under the library's name. */
  private boolean attempt(String what, Path file) {
    try {
      if (file != null) {
        System.load(file.toString());
      } else {
        System.loadLibrary(NAME);
      }
      trail.add(what + ": loaded, " + NativeFunctions.narrow_isa_count() + " instruction sets");
      return true;
    } catch (LinkageError e) {
      trail.add(what + ": " + reason(e, file));
      return false;
    }
  }

  /** The loader of the system and that of the JVM both put the file's name before their message. */
  private static String reason(LinkageError e, Path file) {
    String message = String.valueOf(e.getMessage());
    String prefix = file + ": ";
    while (message.startsWith(prefix)) {
      message = message.substring(prefix.length());
    }
    return message;
  }
}
