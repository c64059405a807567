package io.narrow.tflite.ops;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** A line of {@code operators.table}: its columns, and its properties by name. */
final class Row {
  /** How many columns there are behind the name of the operator. */
  private static final int COLUMNS = 5;

  private final String[] words;
  private final Map<String, String> properties = new HashMap<>();
  private final String text;

  Row(String line) {
    int bar = line.indexOf('|');
    text = bar < 0 ? "" : line.substring(bar + 1).trim();
    words = (bar < 0 ? line : line.substring(0, bar)).trim().split(" +");
    for (int i = COLUMNS + 1; i < words.length; i++) {
      int equals = words[i].indexOf('=');
      properties.put(
          equals < 0 ? words[i] : words[i].substring(0, equals),
          equals < 0 ? "" : words[i].substring(equals + 1));
    }
  }

  /** The row of an operator that the table does not have. */
  static Row none(String operator) {
    return new Row(operator + " - - - - -");
  }

  String operator() {
    return words[0];
  }

  /** What a column holds, counted from 1. */
  String column(int number) {
    return words[number];
  }

  boolean has(String property) {
    return properties.containsKey(property);
  }

  /** What stands behind the bar, empty if nothing does. */
  String text() {
    return text;
  }

  String word(String property, String otherwise) {
    return properties.getOrDefault(property, otherwise);
  }

  int number(String property, int otherwise) {
    return has(property) ? Integer.parseInt(properties.get(property)) : otherwise;
  }

  /** Places such as {@code 1-11,16}. */
  List<Integer> places(String property) {
    return items(property).flatMapToInt(Row::range).boxed().toList();
  }

  private static IntStream range(String range) {
    String[] ends = range.split("-");
    return IntStream.rangeClosed(
        Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]));
  }

  /** Pairs such as {@code int8:5/6,int4:7}. */
  Map<String, String> pairs(String property) {
    Map<String, String> pairs = new TreeMap<>();
    items(property)
        .forEach(
            item ->
                pairs.put(
                    item.substring(0, item.indexOf(':')), item.substring(item.indexOf(':') + 1)));
    return pairs;
  }

  /** Words such as {@code float32,int8}. */
  Stream<String> items(String property) {
    return has(property) ? Stream.of(properties.get(property).split(",")) : Stream.empty();
  }
}
