package io.narrow.kernels;

import io.narrow.kernels.internal.NativeFunctions;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URL;
import java.net.URLConnection;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;

/**
 * Finds and loads the native library, once per class loader.
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

  private static final String NOT_RELOCATED =
      "leave the classes of the kernels and of JavaCPP in their packages, in one version each";

  private static NativeLibrary instance;

  private final List<String> trail = new ArrayList<>();
  private final boolean loaded;
  private String remedy;

  /** No other file can do better; set where Java itself refuses to load libraries. */
  private boolean refused;

  private NativeLibrary() {
    String path = System.getProperty(PATH_PROPERTY);
    boolean found;
    try {
      if (!hasJavaCpp()) {
        found = false;
      } else if (path != null) {
        remedy = "let -D" + PATH_PROPERTY + " name a library that can be loaded, or leave it out";
        found = load("-D" + PATH_PROPERTY, Path.of(path).toAbsolutePath());
      } else {
        found = loadResource(Platform.name()) || loadFromPath();
      }
    } catch (InvalidPathException e) {
      trail.add("no path: " + e.getMessage());
      found = false;
    }
    loaded = found;
  }

  /** Native code would say so on stderr, and less clearly. */
  private boolean hasJavaCpp() {
    try {
      return !Pointer.class.getName().isEmpty();
    } catch (NoClassDefFoundError e) {
      remedy = "add the jar org.bytedeco:javacpp to the class path";
      trail.add("class path: no " + e.getMessage());
      return false;
    }
  }

  static synchronized NativeLibrary get() {
    if (instance == null) {
      // One at a time in all class loaders of the process, which have this string in common: one
      // would take another's file for an abandoned one.
      synchronized (PATH_PROPERTY.intern()) {
        instance = new NativeLibrary();
      }
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
    String line =
        "No native kernels: the Java kernels give the same results, more slowly. For native ones "
            + remedy
            + "; to do without and not be told, set -D"
            + Selection.PROPERTY
            + "=java. Tried: "
            + String.join("; ", trail);
    return line.replace('\n', ' ').replace('\r', ' ');
  }

  private boolean loadResource(String platform) {
    String name = PACKAGE + platform + "/" + System.mapLibraryName(NAME);
    URL resource = resource(name);
    if (resource == null) {
      remedy = whereToAdd(platform);
      trail.add("class path: no " + name);
      return false;
    }
    if (Platform.isMusl()) {
      remedy =
          "run on a system with glibc, or build the library on this one and name it with -D"
              + PATH_PROPERTY;
      trail.add("class path: " + resource + " is made for glibc, and this is musl");
      return false;
    }
    remedy = "let -D" + LibraryCache.PROPERTY + "=DIR name a directory libraries can be run from";
    try {
      if (resource.getProtocol().equals("file")) {
        return load("class path", Path.of(URI.create(resource.toString())));
      }
      byte[] library = read(resource);
      for (LibraryCache cache : LibraryCache.candidates()) {
        if (load(cache, library)) {
          return true;
        }
      }
    } catch (IOException e) {
      trail.add("class path: " + resource + " cannot be read: " + e);
    }
    return false;
  }

  @DesktopOnly
  private static boolean isInOtherModule(Class<?> other) {
    return other.getModule() != NativeLibrary.class.getModule();
  }

  @DesktopOnly // there, no jar has the library
  private static String whereToAdd(String platform) {
    if (!Platform.isBuilt(platform)) {
      return "build the library on this system, there is no jar for " + platform;
    }
    String jar = "add the jar narrow-kernels with the classifier " + platform;
    Module module = NativeLibrary.class.getModule();
    return module.isNamed()
        ? jar
            + " to the module path, and --add-modules "
            + module.getName()
            + "."
            + platform.replace('-', '.')
        : jar + " to the class path";
  }

  /** Where this class comes from, or else where the caller's thread finds its classes. */
  private static URL resource(String name) {
    ClassLoader own = NativeLibrary.class.getClassLoader();
    URL resource = own == null ? ClassLoader.getSystemResource(name) : own.getResource(name);
    ClassLoader context = Thread.currentThread().getContextClassLoader();
    return resource == null && context != null ? context.getResource(name) : resource;
  }

  private static byte[] read(URL resource) throws IOException {
    URLConnection connection = resource.openConnection();
    // Servers replace jars that are in use, and delete them.
    connection.setUseCaches(false);
    try (InputStream in = connection.getInputStream()) {
      return in.readAllBytes();
    }
  }

  private boolean load(LibraryCache cache, byte[] library) {
    if (refused) {
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

  private boolean loadFromPath() {
    return !refused && attempt("java.library.path", null);
  }

  /** Loads a file, or without one what the system finds under the library's name. */
  private boolean attempt(String what, Path file) {
    try {
      if (file != null) {
        System.load(file.toString());
      } else {
        System.loadLibrary(NAME);
      }
      return works(what, file == null ? onPath() : file);
    } catch (UnsatisfiedLinkError e) {
      if (String.valueOf(e.getMessage()).endsWith("already loaded in another classloader")) {
        Path original = file == null ? onPath() : file;
        String title = what + ", which another class loader has loaded";
        return loadCopy(title, original, copy -> System.load(copy.toString()))
            && works(title, original);
      }
      if (String.valueOf(e.getMessage()).contains("version `GLIBC_")) {
        remedy =
            "run on a system with a newer glibc, or build the library on this one and name it with -D"
                + PATH_PROPERTY;
      }
      trail.add(what + ": " + reason(e, file));
    } catch (NoClassDefFoundError e) {
      remedy = NOT_RELOCATED;
      trail.add(what + ": it asks for " + e.getMessage() + ", which is not there or was relocated");
    } catch (LinkageError e) {
      trail.add(what + ": " + reason(e, file));
    } catch (RuntimeException e) {
      if (Platform.isAndroid() || !isRefusal(e)) {
        throw e;
      }
      refuse(what, e);
    }
    return false;
  }

  @DesktopOnly
  private static boolean isRefusal(RuntimeException e) {
    return e instanceof IllegalCallerException || e instanceof SecurityException;
  }

  /** From JDK 24 on Java may refuse native code, before with a security manager. */
  @DesktopOnly
  private void refuse(String what, RuntimeException e) {
    Module module = NativeLibrary.class.getModule();
    Module javaCpp = Pointer.class.getModule();
    remedy =
        "start Java with --enable-native-access="
            + (module.isNamed() ? module.getName() + "," + javaCpp.getName() : "ALL-UNNAMED");
    refused = true;
    trail.add(what + ": " + e.getMessage());
  }

  /** What loads a copy of the library. */
  private interface Load {
    void load(Path file) throws IOException;
  }

  /** A file belongs to the class loader that loads it first; another one needs its own. */
  private boolean loadCopy(String what, Path file, Load load) {
    if (file == null) {
      trail.add(what + ": the file that Java has found is not known");
      return false;
    }
    List<LibraryCache> caches = LibraryCache.candidates();
    // Twice, for where a process that starts at the same time takes the copy for an abandoned one.
    caches.addAll(LibraryCache.candidates());
    for (LibraryCache cache : caches) {
      Path copy = null;
      try {
        copy = cache.copy(System.mapLibraryName(NAME), Files.readAllBytes(file));
        load.load(copy);
        return true;
      } catch (LinkageError e) {
        trail.add(what + ", copied to " + cache.directory() + ": " + reason(e, copy));
      } catch (IOException e) {
        trail.add(what + ": cannot write to " + cache.directory() + ": " + e);
      } finally {
        delete(copy);
      }
    }
    return false;
  }

  /** Windows keeps a library that is in use; the next process removes it. */
  private static void delete(Path file) {
    try {
      if (file != null) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      return;
    }
  }

  private static Path onPath() {
    String name = System.mapLibraryName(NAME);
    for (String directory : System.getProperty("java.library.path", "").split(File.pathSeparator)) {
      Path file = Path.of(directory).resolve(name);
      if (Files.exists(file)) {
        return file.toAbsolutePath();
      }
    }
    return null;
  }

  /** Loaded is not enough: the functions have to belong to the classes that call them. */
  private boolean works(String what, Path file) {
    int count;
    try {
      count = NativeFunctions.narrow_isa_count();
    } catch (UnsatisfiedLinkError e) {
      remedy = NOT_RELOCATED;
      trail.add(
          what
              + ": loaded, but without functions for "
              + NativeFunctions.class.getName()
              + ": a library of another version, or a class that was relocated");
      return false;
    }
    boolean apart =
        Pointer.class.getClassLoader() != NativeLibrary.class.getClassLoader()
            || !Platform.isAndroid() && isInOtherModule(Pointer.class);
    if (apart && !linkPointers(what, file)) {
      return false;
    }
    trail.add(what + ": loaded, " + count + " instruction sets");
    return true;
  }

  /**
   * JavaCPP's pointers call functions of the library too, which have to belong to the class loader
   * of JavaCPP: where that is another one, it gets a copy, through a class of its own.
   */
  private boolean linkPointers(String what, Path file) {
    try {
      usePointer();
      return true;
    } catch (UnsatisfiedLinkError e) {
      return loadCopy(
          what + ", for the class loader of JavaCPP",
          file,
          copy -> {
            Loader.loadLibrary(Pointer.class, new URL[] {copy.toUri().toURL()}, NAME);
            usePointer();
          });
    }
  }

  private static void usePointer() {
    new Pointer(ByteBuffer.allocateDirect(1)).close();
  }

  /** The loader of the system and that of the JVM both put the file's name before their message. */
  private static String reason(LinkageError e, Path file) {
    String message = e.getMessage() == null ? e + ", " + e.getCause() : e.getMessage();
    String prefix = file + ": ";
    while (message.startsWith(prefix)) {
      message = message.substring(prefix.length());
    }
    String mount = file == null ? "" : Platform.mount(file);
    return mount.contains("noexec") ? message + " (" + mount + ")" : message;
  }
}
