#include "library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct Library library;

/// The end of an attempt to open one library.
typedef struct Opened {
    KeyringOutcome outcome;
    char reason[256];
} Opened;

/// Keeps the words of the loader, which may have several lines.
static Opened fail(KeyringOutcome outcome, const char *library_name, const char *what) {
    Opened opened = {.outcome = outcome};
    snprintf(opened.reason, sizeof opened.reason, "%s%s", library_name, what);
    for (char *byte = opened.reason; *byte != '\0'; byte++)
        if ((unsigned char)*byte < 0x20 || *byte == 0x7F)
            *byte = ' ';
    return opened;
}

/// The failure to open a library. The loader (glibc 2.36) has no code for why; its words begin with
/// the file that it could not open, so that a library which is not there and one that lacks another
/// differ. Its words are English: no program of ours calls setlocale.
static Opened fail_to_open(const char *file, const char *name) {
    const char *words = dlerror();
    char missing[128];
    snprintf(missing, sizeof missing, "%s: cannot open shared object file: No such file or directory",
             file);
    if (words == NULL)
        words = "for a reason that is not told";
    if (strcmp(words, missing) == 0)
        return fail(KeyringOutcomeAbsent, name, " is not installed");
    char told[256];
    snprintf(told, sizeof told, " does not load: %s", words);
    return fail(KeyringOutcomeFailed, name, told);
}

/// Opens a library and looks its functions up; leaves the function it stands in where it cannot.
#define LIBRARY_FILL(file, name, functions)                                                       \
    void *handle = dlopen(file, RTLD_LAZY | RTLD_LOCAL);                                          \
    if (handle == NULL)                                                                           \
        return fail_to_open(file, name);                                                          \
    const char *const library_name = name;                                                        \
    functions(LIBRARY_LOOK_UP)
#define LIBRARY_LOOK_UP(function)                                                                 \
    library.function = (__typeof__(library.function))dlsym(handle, #function);                    \
    if (library.function == NULL)                                                                 \
        return fail(KeyringOutcomeFailed, library_name, " is too old: it has no " #function);

/// Lets the signals of a crash reach their handlers (platform_harden). GLib blocks all signals while it
/// starts a thread; a crash whose signal is blocked ends the process without a word.
static void unblock_crashes(void) {
    static const int crashes[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
    sigset_t signals;
    sigemptyset(&signals);
    for (size_t index = 0; index < sizeof crashes / sizeof *crashes; index++)
        sigaddset(&signals, crashes[index]);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

/// GLib ends the process after an error, where it has no memory or no thread. Why is said then by who
/// catches that (platform_harden), in the one line of an answer.
static GLogWriterOutput write_log(GLogLevelFlags level, const GLogField *fields, gsize count,
                                  gpointer data) {
    if (level & G_LOG_LEVEL_ERROR) {
        unblock_crashes();
        return G_LOG_WRITER_HANDLED;
    }
    return library.g_log_writer_default(level, fields, count, data);
}

static Opened fill(void) {
    LIBRARY_FILL("libgio-2.0.so.0", "GLib", LIBRARY_FUNCTIONS)
    // GLib writes debug messages to standard output, where the answer goes, unless it is told not
    // to (GLib 2.68, g_log_writer_default_set_use_stderr).
    library.g_log_writer_default_set_use_stderr(TRUE);
    library.g_log_set_writer_func(write_log, NULL, NULL);
    return (Opened){0};
}

static Opened fill_secret(void) {
    LIBRARY_FILL("libsecret-1.so.0", "libsecret", LIBRARY_SECRET_FUNCTIONS)
    return (Opened){0};
}

static Opened opened, opened_secret;

static void open_once(void) { opened = fill(); }

static void open_secret_once(void) { opened_secret = fill_secret(); }

/// Returns true if there is memory for two threads of GLib and for messages. Without it GLib's threads
/// use up their stacks in telling each other so (GLib 2.74), which no handler of signals survives.
static bool has_room(void) {
    const size_t count = 32 << 20;
    void *memory = mmap(NULL, count, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    munmap(memory, count);
    return true;
}

KeyringOutcome library_open(bool for_secrets, char *reason, size_t size) {
    static pthread_once_t once = PTHREAD_ONCE_INIT, secret_once = PTHREAD_ONCE_INIT;
    const Opened *worst = &opened;
    // GLib comes with it.
    if (for_secrets) {
        pthread_once(&secret_once, open_secret_once);
        worst = &opened_secret;
    }
    if (worst->outcome == KeyringOutcomeDone) {
        pthread_once(&once, open_once);
        worst = &opened;
    }
    if (worst->outcome == KeyringOutcomeDone && !has_room()) {
        snprintf(reason, size, "there is not enough memory for the keyring");
        return KeyringOutcomeFailed;
    }
    snprintf(reason, size, "%s", worst->reason);
    return worst->outcome;
}
