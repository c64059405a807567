// What becomes of this process where native code of others ends it, and of what that code writes. Only for programs
// that own their process: a process has one handler of a signal and one standard error stream. On Linux (not Android);
// on other systems nothing here has an effect, and the functions that say so return 0.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Makes abort() in native code end the process with an exit code and a line on standard error: "narrow: NAME: MESSAGE",
// where NAME is what narrow_process_runs said last, on that thread or else on any. A JVM calls abort() at every fault
// in native code, with -XX:+SuppressFatalErrorMessage without a report before. Where nothing was said to run, nothing
// changes.
//   message  UTF-8, n bytes, copied
//   command  arguments of a program to go on with in place of that, each ended by a zero byte, or 0 bytes for none; the
//            first is the program's file. It finds NAME, in a new line, at the end of the variable NARROW_CRASHED.
// To be called once. Returns 1, or 0 where it cannot be done.
int32_t narrow_process_catch_abort(const uint8_t* message, int64_t n, const uint8_t* command, int64_t command_n,
                                   int32_t exit_code);
// A number for a name (UTF-8, n bytes, copied, at most 4096), for the next function; 0 where it cannot be kept.
int64_t narrow_process_name(const uint8_t* name, int64_t n);
// From now on this thread runs what has the name; 0 for nothing.
void narrow_process_runs(int64_t name);

// Keeps what is written to standard error, but for what narrow_process_write writes. Returns 1, or 0 where it cannot.
int32_t narrow_process_keep_errors(void);
// Copies what was kept since the last call, at most n bytes of it; returns how many.
int64_t narrow_process_kept_errors(uint8_t* text, int64_t n);
// Writes to standard error as it was. Returns how many bytes were written, -1 where none could be.
int64_t narrow_process_write(const uint8_t* text, int64_t offset, int64_t n);

#ifdef __cplusplus
}
#endif
