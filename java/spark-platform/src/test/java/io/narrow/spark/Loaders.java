package io.narrow.spark;

import java.net.URL;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.util.MutableURLClassLoader;

/**
 * Sessions of one executor, each with jars of its own: two at once, and a third one when they are
 * gone. Arguments: where the jars are, up to {@code --}; what the probe gets.
 */
public final class Loaders {
  private Loaders() {}

  public static void main(String[] arguments) throws Exception {
    List<URL> jars = new ArrayList<>();
    int at = 0;
    while (!arguments[at].equals("--")) {
      jars.add(Path.of(arguments[at++]).toUri().toURL());
    }
    String[] rest = List.of(arguments).subList(at + 1, arguments.length).toArray(String[]::new);
    List<Thread> sessions = List.of(session(jars, rest, 0), session(jars, rest, 1));
    sessions.forEach(Thread::start);
    for (Thread session : sessions) {
      session.join();
    }
    sessions = null;
    System.gc();
    Thread third = session(jars, rest, 2);
    third.start();
    third.join();
  }

  private static Thread session(List<URL> jars, String[] arguments, int number) {
    // Spark's classes are the application's, as on an executor.
    ClassLoader loader =
        new MutableURLClassLoader(jars.toArray(new URL[0]), ClassLoader.getSystemClassLoader());
    String[] own = arguments.clone();
    own[own.length - 1] += number;
    Thread thread =
        new Thread(
            () -> {
              try {
                loader
                    .loadClass("io.narrow.spark.LoadersProbe")
                    .getMethod("main", String[].class)
                    .invoke(null, (Object) own);
              } catch (ReflectiveOperationException e) {
                e.printStackTrace(System.out);
              }
            });
    thread.setContextClassLoader(loader);
    return thread;
  }
}
