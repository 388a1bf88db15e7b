#include "library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct Library library;

/// Returns the failure to open a library. The loader (glibc 2.36) gives no error code. Its message
/// begins with the file that it could not open, so that a missing library differs from one that
/// lacks another. The message is English, since no program of Keyfob sets the locale of messages.
static KeyringOutcome fail_to_open(const char *file, const char *name, char *reason) {
    const char *words = dlerror();
    char missing[128];
    snprintf(missing, sizeof missing, "%s: cannot open shared object file: No such file or directory",
             file);
    if (words == NULL)
        words = "for a reason that is not told";
    if (strcmp(words, missing) == 0)
        return fail(reason, KeyringOutcomeAbsent, "%s is not installed", name);
    return fail(reason, KeyringOutcomeFailed, "%s does not load: %s", name, words);
}

/// Opens a library and looks its functions up; if that fails, returns from the function that uses
/// it.
#define LIBRARY_FILL(file, name, functions)                                                       \
    void *handle = dlopen(file, RTLD_LAZY | RTLD_LOCAL);                                          \
    if (handle == NULL)                                                                           \
        return fail_to_open(file, name, reason);                                                  \
    const char *const library_name = name;                                                        \
    functions(LIBRARY_LOOK_UP)
#define LIBRARY_LOOK_UP(function)                                                                 \
    library.function = (__typeof__(library.function))dlsym(handle, #function);                    \
    if (library.function == NULL)                                                                 \
        return fail(reason, KeyringOutcomeFailed, "%s is too old: it has no " #function,          \
                    library_name);

/// Lets the signals of a crash reach their handlers (platform_harden). GLib blocks all signals
/// while it starts a thread; a crash whose signal is blocked ends the process without a message.
static void unblock_crashes(void) {
    static const int crashes[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
    sigset_t signals;
    sigemptyset(&signals);
    for (size_t index = 0; index < sizeof crashes / sizeof *crashes; index++)
        sigaddset(&signals, crashes[index]);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

/// Handles GLib's messages. After an error, such as a lack of memory or of threads, GLib ends the
/// process. The handler of that signal (platform_harden) then writes the reason, in the one line of
/// an answer.
static GLogWriterOutput write_log(GLogLevelFlags level, const GLogField *fields, gsize count,
                                  gpointer data) {
    if (level & G_LOG_LEVEL_ERROR) {
        unblock_crashes();
        return G_LOG_WRITER_HANDLED;
    }
    return library.g_log_writer_default(level, fields, count, data);
}

static KeyringOutcome fill_glib(char *reason) {
    LIBRARY_FILL("libgio-2.0.so.0", "GLib", LIBRARY_FUNCTIONS)
    // By default GLib writes debug messages to standard output, which is for the answer (GLib 2.68,
    // g_log_writer_default_set_use_stderr).
    library.g_log_writer_default_set_use_stderr(TRUE);
    library.g_log_set_writer_func(write_log, NULL, NULL);
    return KeyringOutcomeDone;
}

static KeyringOutcome fill_secret(char *reason) {
    LIBRARY_FILL("libsecret-1.so.0", "libsecret", LIBRARY_SECRET_FUNCTIONS)
    return KeyringOutcomeDone;
}

/// Returns true if there is memory for two threads of GLib and for messages. Without it, GLib's
/// threads use up their stacks by reporting that to each other (GLib 2.74), which no handler of
/// signals survives.
static bool has_room(void) {
    const size_t count = 32 << 20;
    void *memory = mmap(NULL, count, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    munmap(memory, count);
    return true;
}

KeyringOutcome library_open(bool for_secrets, char *reason) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static bool has_glib, has_secret;
    pthread_mutex_lock(&mutex);
    KeyringOutcome outcome = KeyringOutcomeDone;
    // libsecret is opened first: it brings GLib along.
    if (for_secrets && !has_secret) {
        outcome = fill_secret(reason);
        has_secret = outcome == KeyringOutcomeDone;
    }
    if (outcome == KeyringOutcomeDone && !has_glib) {
        outcome = fill_glib(reason);
        has_glib = outcome == KeyringOutcomeDone;
    }
    pthread_mutex_unlock(&mutex);
    if (outcome == KeyringOutcomeDone && !has_room())
        outcome = fail(reason, KeyringOutcomeFailed, "there is not enough memory for the keyring");
    return outcome;
}
