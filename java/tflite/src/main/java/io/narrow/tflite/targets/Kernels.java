package io.narrow.tflite.targets;

import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** A column of {@code kernels.table}: on which types of values a device has kernels. */
final class Kernels {
  private static final String ANY = "any";

  private static final Map<String, Kernels> COLUMNS = read();

  private final Map<String, Set<String>> forms = new HashMap<>();

  private Kernels() {}

  /** The kernels of a column. */
  static Kernels of(String column) {
    return COLUMNS.get(column);
  }

  /** Names of the columns. */
  static Set<String> columns() {
    return COLUMNS.keySet();
  }

  /** The operators that it has any kernel for. */
  Set<String> operators() {
    return new TreeSet<>(forms.keySet());
  }

  /** Whether it has a kernel for values of a form: {@code T}, {@code T+W} or {@code T>U}. */
  boolean takes(String operator, String form) {
    Set<String> taken = forms.getOrDefault(operator, Set.of());
    return taken.contains(ANY) || taken.contains(form);
  }

  /** What is in the way of an operator: it, or the types of its values; empty if nothing is. */
  Optional<String> objection(Site site) {
    Set<String> taken = forms.get(site.operator().name());
    if (taken == null) {
      return Optional.of("no kernel for this operator");
    }
    if (taken.contains(ANY)) {
      return Optional.empty();
    }
    TensorType activation = site.activation();
    if (taken.stream().anyMatch(form -> form.contains(">"))) {
      TensorType result = site.results().findFirst().map(t -> t.type()).orElse(activation);
      return taken.contains(activation + ">" + result)
          ? Optional.empty()
          : Optional.of("no kernel from " + activation + " to " + result);
    }
    TensorType weights = site.weights().orElse(activation);
    String form = activation == weights ? activation.toString() : activation + "+" + weights;
    return taken.contains(form)
        ? Optional.empty()
        : Optional.of(
            "no kernel for "
                + activation
                + " activations"
                + (activation == weights ? "" : " and " + weights + " weights"));
  }

  private static Map<String, Kernels> read() {
    Map<String, String> lists = new HashMap<>();
    List<String> names = null;
    Map<String, Kernels> columns = new HashMap<>();
    for (String line : Resource.lines("kernels.table")) {
      List<String> cells = List.of(line.trim().split(" +"));
      if (line.startsWith("$")) {
        lists.put(cells.get(0), cells.get(1));
      } else if (names == null) {
        names = cells.subList(1, cells.size());
        names.forEach(name -> columns.put(name, new Kernels()));
      } else {
        for (int i = 0; i < names.size(); i++) {
          if (!cells.get(i + 1).equals("-")) {
            columns.get(names.get(i)).forms.put(cells.get(0), forms(cells.get(i + 1), lists));
          }
        }
      }
    }
    return columns;
  }

  private static Set<String> forms(String cell, Map<String, String> lists) {
    Set<String> forms = new HashSet<>();
    for (String item : cell.split(",")) {
      List<String> ends = List.of(item.split(">"));
      for (String from : types(ends.get(0), lists)) {
        if (ends.size() == 1) {
          forms.add(from);
        } else {
          types(ends.get(1), lists).forEach(to -> forms.add(from + ">" + to));
        }
      }
    }
    return forms;
  }

  private static List<String> types(String word, Map<String, String> lists) {
    return new ArrayList<>(Arrays.asList(lists.getOrDefault(word, word).split(",")));
  }
}
