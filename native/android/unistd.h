// bionic numbers the names of sysconf in its own way; the generated files ask for this one.
#include_next <unistd.h>

#undef _SC_NPROCESSORS_CONF
#define _SC_NPROCESSORS_CONF 0x60
