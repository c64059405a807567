#include "narrow/process.h"

#if defined(__linux__) && !defined(__ANDROID__)
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char** environ;

namespace {

constexpr int64_t kLongestName = 4096;
constexpr char kVariable[] = "NARROW_CRASHED=";

struct Name {
  int64_t length;
  char text[1];
};

// All memory that the handler needs is made before: it runs where the heap may be damaged.
char* message;
size_t message_length;
char** command;
char** environment;  // the last but one is the variable
char* variable;
size_t variable_length;
int exit_code;

volatile const Name* last;
thread_local const Name* current;

int errors = 2;  // standard error as it was
int kept = -1;
int64_t kept_position;

void put(const char* text, size_t length) {
  while (length > 0) {
    const ssize_t written = write(errors, text, length);
    if (written <= 0) {
      return;
    }
    text += written;
    length -= static_cast<size_t>(written);
  }
}

void on_abort(int) {
  const Name* name = current != nullptr ? current : const_cast<const Name*>(last);
  if (name == nullptr) {
    signal(SIGABRT, SIG_DFL);  // abort() raises it again
    return;
  }
  if (command != nullptr) {
    variable[variable_length] = '\n';
    memcpy(variable + variable_length + 1, name->text, static_cast<size_t>(name->length));
    variable[variable_length + 1 + static_cast<size_t>(name->length)] = 0;
    dup2(errors, 2);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execve("/proc/self/exe", command, environment);
  }
  put("narrow: ", 8);
  put(name->text, static_cast<size_t>(name->length));
  put(": ", 2);
  put(message, message_length);
  put("\n", 1);
  _exit(exit_code);
}

char* copy(const uint8_t* text, int64_t n) {
  char* memory = static_cast<char*>(malloc(static_cast<size_t>(n) + 1));
  if (memory != nullptr) {
    memcpy(memory, text, static_cast<size_t>(n));
    memory[n] = 0;
  }
  return memory;
}

// Pointers to the strings in a block, each ended by 0.
char** split(char* block, int64_t n) {
  size_t count = 0;
  for (int64_t i = 0; i < n; i++) {
    count += block[i] == 0;
  }
  char** strings = static_cast<char**>(calloc(count + 1, sizeof(char*)));
  if (strings != nullptr) {
    for (size_t i = 0; i < count; i++) {
      strings[i] = block;
      block += strlen(block) + 1;
    }
  }
  return strings;
}

// The variables of now, and the one that is written where the process goes on.
bool prepare_environment() {
  size_t count = 0;
  while (environ[count] != nullptr) {
    count++;
  }
  environment = static_cast<char**>(calloc(count + 2, sizeof(char*)));
  const char* before = getenv("NARROW_CRASHED");
  const size_t length = before == nullptr ? 0 : strlen(before);
  variable = static_cast<char*>(malloc(sizeof(kVariable) + length + kLongestName + 2));
  if (environment == nullptr || variable == nullptr) {
    return false;
  }
  memcpy(variable, kVariable, sizeof(kVariable) - 1);
  memcpy(variable + sizeof(kVariable) - 1, before == nullptr ? "" : before, length);
  variable_length = sizeof(kVariable) - 1 + length;
  size_t end = 0;
  for (size_t i = 0; i < count; i++) {
    if (strncmp(environ[i], kVariable, sizeof(kVariable) - 1) != 0) {
      environment[end++] = environ[i];
    }
  }
  environment[end] = variable;
  return true;
}

}  // namespace

int32_t narrow_process_catch_abort(const uint8_t* text, int64_t n, const uint8_t* arguments, int64_t arguments_n,
                                   int32_t code) {
  message = copy(text, n);
  message_length = static_cast<size_t>(n);
  exit_code = code;
  if (message == nullptr) {
    return 0;
  }
  if (arguments_n > 0) {
    char* block = copy(arguments, arguments_n);
    char** strings = block == nullptr ? nullptr : split(block, arguments_n);
    if (strings == nullptr || !prepare_environment()) {
      return 0;
    }
    command = strings;
  }
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = on_abort;
  sigemptyset(&action.sa_mask);
  return sigaction(SIGABRT, &action, nullptr) == 0;
}

int64_t narrow_process_name(const uint8_t* text, int64_t n) {
  Name* name = n > kLongestName ? nullptr : static_cast<Name*>(malloc(sizeof(Name) + static_cast<size_t>(n)));
  if (name != nullptr) {
    name->length = n;
    memcpy(name->text, text, static_cast<size_t>(n));
  }
  return reinterpret_cast<int64_t>(name);
}

void narrow_process_runs(int64_t number) {
  current = reinterpret_cast<const Name*>(number);
  if (current != nullptr) {
    last = current;
  }
}

int32_t narrow_process_keep_errors() {
  const int file = static_cast<int>(syscall(SYS_memfd_create, "narrow", 1u /* MFD_CLOEXEC */));
  const int before = file < 0 ? -1 : fcntl(2, F_DUPFD_CLOEXEC, 3);
  if (before < 0 || dup2(file, 2) < 0) {
    return 0;
  }
  errors = before;
  kept = file;
  return 1;
}

int64_t narrow_process_kept_errors(uint8_t* text, int64_t n) {
  const off_t end = kept < 0 ? 0 : lseek(kept, 0, SEEK_END);
  const ssize_t count = kept < 0 ? 0 : pread(kept, text, static_cast<size_t>(n), static_cast<off_t>(kept_position));
  kept_position = end;
  return count < 0 ? 0 : count;
}

int64_t narrow_process_write(const uint8_t* text, int64_t offset, int64_t n) {
  return write(errors, text + offset, static_cast<size_t>(n));
}

#else

int32_t narrow_process_catch_abort(const uint8_t*, int64_t, const uint8_t*, int64_t, int32_t) { return 0; }
int64_t narrow_process_name(const uint8_t*, int64_t) { return 0; }
void narrow_process_runs(int64_t) {}
int32_t narrow_process_keep_errors() { return 0; }
int64_t narrow_process_kept_errors(uint8_t*, int64_t) { return 0; }
int64_t narrow_process_write(const uint8_t*, int64_t, int64_t) { return -1; }

#endif
