package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Application servers and Spark: several class loaders in one process, each with a part of it. */
class ClassLoadersTest {
  @TempDir Path directory;
  private Path cache;
  private Path jar;

  @BeforeEach
  void makeJar() throws Exception {
    cache = directory.resolve("cache");
    jar = Jvm.jar(directory);
  }

  /**
   * The probe in several class loaders at once. Arguments: how many class loaders; where JavaCPP,
   * the classes and the library are to be found: {@code own} for each class loader by itself,
   * {@code parent} for all in common, {@code context} for the threads' class loader; and the
   * library's jar.
   */
  static final class Applications {
    private Applications() {}

    public static void main(String[] args) throws Exception {
      List<URL> parent = new ArrayList<>();
      List<URL> own = new ArrayList<>();
      List<URL> context = new ArrayList<>();
      for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
        if (!entry.equals(args[4])) {
          place(entry.contains("javacpp") ? args[1] : args[2], entry, parent, own, context);
        }
      }
      place(args[3], args[4], parent, own, context);
      ClassLoader platform = ClassLoader.getPlatformClassLoader();
      ClassLoader common = new URLClassLoader(parent.toArray(new URL[0]), platform);
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < Integer.parseInt(args[0]); i++) {
        ClassLoader application = new URLClassLoader(own.toArray(new URL[0]), common);
        Thread thread = new Thread(() -> probe(application));
        thread.setContextClassLoader(new URLClassLoader(context.toArray(new URL[0]), application));
        threads.add(thread);
      }
      threads.forEach(Thread::start);
      for (Thread thread : threads) {
        thread.join();
      }
    }

    private static void place(
        String where, String entry, List<URL> parent, List<URL> own, List<URL> context)
        throws MalformedURLException {
      List<URL> urls = where.equals("parent") ? parent : where.equals("own") ? own : context;
      urls.add(Path.of(entry).toUri().toURL());
    }

    private static void probe(ClassLoader application) {
      try {
        Class.forName("io.narrow.kernels.Probe", true, application)
            .getMethod("main", String[].class)
            .invoke(null, (Object) new String[0]);
      } catch (ReflectiveOperationException e) {
        Throwable cause = e instanceof InvocationTargetException ? e.getCause() : e;
        System.out.println("failed=" + cause);
      }
    }
  }

  private void works(int loaders, String javaCpp, String classes, String library, String... options)
      throws Exception {
    String output =
        Jvm.of(cache)
            .with(options)
            .main(
                Applications.class,
                Integer.toString(loaders),
                javaCpp,
                classes,
                library,
                jar.toString())
            .run(jar);
    assertThat(Jvm.values(output, "kernels")).as(output).hasSize(loaders).containsOnly(Jvm.best());
    Set<String> checksums = new TreeSet<>(Jvm.values(output, "checksum"));
    assertThat(checksums).as(output).hasSize(1);
    assertThat(output).doesNotContain("failed=").doesNotContain("No native kernels");
    // A copy that is in use stays on Windows, until another process starts.
    if (options.length == 0 && !Platform.system().equals("windows")) {
      assertThat(Jvm.files(cache)).as(output).hasSize(1);
    }
  }

  @Test
  void applicationsThatBringEverything() throws Exception {
    works(4, "own", "own", "own");
  }

  @Test
  void javaCppInCommon() throws Exception {
    works(3, "parent", "own", "own");
  }

  @Test
  void classesInCommonAndTheLibraryWithTheApplication() throws Exception {
    works(2, "parent", "parent", "context");
  }

  @Test
  void libraryNamedByAProperty() throws Exception {
    works(3, "own", "own", "own", "-Dnarrow.kernels.library=" + Jvm.library());
  }

  @Test
  void libraryOfTheSystemsPath() throws Exception {
    String path = "-Djava.library.path=" + Jvm.library().getParent();
    String output =
        Jvm.of(cache)
            .with(path)
            .main(Applications.class, "3", "own", "own", "own", directory.toString())
            .run();
    assertThat(Jvm.values(output, "kernels")).as(output).hasSize(3).containsOnly(Jvm.best());
  }

  @Test
  void copiesThatWindowsKeepsAreRemovedLater() throws Exception {
    works(3, "own", "own", "own");
    Jvm.of(cache).run(jar);
    assertThat(Jvm.files(cache)).hasSize(1);
  }

  @Test
  void classesOfTheBootClassPath() throws Exception {
    List<String> entries = new ArrayList<>(Jvm.classPath());
    entries.add(jar.toString());
    String separator = System.getProperty("path.separator");
    String output =
        Jvm.finish(
            Jvm.of(cache)
                .with("-Xbootclasspath/a:" + String.join(separator, entries))
                .launch(List.of(Probe.class.getName())));
    assertThat(Jvm.value(output, "kernels")).as(output).isEqualTo(Jvm.best());
  }
}
