#include "library.h"

#include <dlfcn.h>
#include <pthread.h>

struct Library library;

/// Opens a library and looks its functions up; leaves the function it stands in where it cannot.
#define LIBRARY_FILL(file, functions)                                                             \
    void *handle = dlopen(file, RTLD_LAZY | RTLD_LOCAL);                                          \
    if (handle == NULL)                                                                           \
        return "libsecret is not installed";                                                      \
    functions(LIBRARY_LOOK_UP)
#define LIBRARY_LOOK_UP(function)                                                                 \
    library.function = (__typeof__(library.function))dlsym(handle, #function);                    \
    if (library.function == NULL)                                                                 \
        return "libsecret or GLib is too old: it has no " #function;

static const char *fill(void) {
    LIBRARY_FILL("libgio-2.0.so.0", LIBRARY_FUNCTIONS)
    // GLib writes debug messages to standard output, where the answer goes, unless it is told not
    // to (GLib 2.68, g_log_writer_default_set_use_stderr).
    library.g_log_writer_default_set_use_stderr(TRUE);
    return NULL;
}

static const char *fill_secret(void) {
    LIBRARY_FILL("libsecret-1.so.0", LIBRARY_SECRET_FUNCTIONS)
    return NULL;
}

static const char *failure, *secret_failure;

static void open_once(void) { failure = fill(); }

static void open_secret_once(void) { secret_failure = fill_secret(); }

const char *library_open(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_once);
    return failure;
}

const char *library_open_secret(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_secret_once);
    return secret_failure != NULL ? secret_failure : library_open();
}
