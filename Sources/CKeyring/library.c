#include "library.h"

#include <dlfcn.h>
#include <pthread.h>

struct Library library;

static const char *failure;

static void open_once(void) {
    void *handle = dlopen("libsecret-1.so.0", RTLD_LAZY | RTLD_LOCAL);
    if (handle == NULL) {
        failure = "libsecret is not installed";
        return;
    }
#define LIBRARY_FILL(function)                                                                    \
    library.function = (__typeof__(library.function))dlsym(handle, #function);                    \
    if (library.function == NULL) {                                                               \
        failure = "libsecret or GLib is too old: it has no " #function;                           \
        return;                                                                                   \
    }
    LIBRARY_FUNCTIONS(LIBRARY_FILL)
#undef LIBRARY_FILL

    // GLib writes debug messages to standard output, where the answer goes, unless it is told not
    // to (GLib 2.68, g_log_writer_default_set_use_stderr).
    library.g_log_writer_default_set_use_stderr(TRUE);
}

const char *library_open(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_once);
    return failure;
}
