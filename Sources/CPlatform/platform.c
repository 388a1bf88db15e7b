#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static bool occupy_standard_descriptors(void) {
    for (int file = STDIN_FILENO; file <= STDERR_FILENO; file++) {
        const bool is_closed = fcntl(file, F_GETFD) < 0 && errno == EBADF;
        if (is_closed && open("/", O_PATH) != file) return false;
    }
    return true;
}

// The Swift runtime catches these before main, to have swift-backtrace print registers and the
// memory that they point to.
static void crash_quietly(void) {
    static const int crashes[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV};
    for (size_t index = 0; index < sizeof crashes / sizeof *crashes; index++) {
        struct sigaction action;
        if (sigaction(crashes[index], NULL, &action) != 0 || action.sa_handler == SIG_IGN)
            continue;
        signal(crashes[index], SIG_DFL);
    }
}

static void hide_memory(void) {
    const struct rlimit none = {0, 0};
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
    crash_quietly();
}

// GLib 2.74: G_DBUS_DEBUG prints every message to standard output. libsecret 0.20.5:
// SECRET_SERVICE_BUS_NAME names another service to give secrets to.
static void unset_dangerous_variables(void) {
    static const char *const names[] = {
        "G_MESSAGES_DEBUG", "G_DEBUG",        "G_DBUS_DEBUG",            "GIO_EXTRA_MODULES",
        "GIO_MODULE_DIR",   "SECRET_BACKEND", "SECRET_SERVICE_BUS_NAME",
    };
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) unsetenv(names[index]);
}

bool platform_harden(void) {
    if (!occupy_standard_descriptors()) return false;
    signal(SIGPIPE, SIG_IGN);
    hide_memory();
    umask(077);
    unset_dangerous_variables();
    return true;
}

bool platform_has_borrowed_rights(void) {
    return getauxval(AT_SECURE) != 0;
}
