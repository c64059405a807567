package io.narrow.kernels;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks what Android never runs, since it asks for classes that Android does not have. The rest is
 * looked through for such (profile {@code android}).
 */
@Retention(RetentionPolicy.CLASS)
@Target(ElementType.METHOD)
@interface DesktopOnly {}
