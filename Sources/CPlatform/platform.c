#define _GNU_SOURCE
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VARIABLES = 7 };

static bool occupy_standard_descriptors(void) {
    for (int file = STDIN_FILENO; file <= STDERR_FILENO; file++) {
        const bool is_closed = fcntl(file, F_GETFD) < 0 && errno == EBADF;
        if (is_closed && open("/", O_PATH) != file) return false;
    }
    return true;
}

// The state in which the process was started, for the programs that it starts.
static struct {
    mode_t mask;
    struct rlimit core;
    void (*pipe_action)(int);
    void (*size_action)(int);
    char *variables[VARIABLES + 1];
} before = {.core = {RLIM_INFINITY, RLIM_INFINITY}, .pipe_action = SIG_DFL, .size_action = SIG_DFL};

static void hide_memory(void) {
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (getrlimit(RLIMIT_CORE, &before.core) == 0) {
        const struct rlimit none = {0, before.core.rlim_max};
        setrlimit(RLIMIT_CORE, &none);
    }
}

// GLib 2.74: G_DBUS_DEBUG prints every message to standard output. libsecret 0.20.5:
// SECRET_SERVICE_BUS_NAME names another service to give secrets to.
static void unset_dangerous_variables(void) {
    static const char *const names[VARIABLES] = {
        "G_MESSAGES_DEBUG", "G_DEBUG",        "G_DBUS_DEBUG",            "GIO_EXTRA_MODULES",
        "GIO_MODULE_DIR",   "SECRET_BACKEND", "SECRET_SERVICE_BUS_NAME",
    };
    size_t kept = 0;
    for (size_t index = 0; index < VARIABLES; index++) {
        const char *value = getenv(names[index]);
        if (value == NULL) continue;
        const size_t length = strlen(names[index]) + strlen(value) + 2;
        char *variable = malloc(length);
        if (variable != NULL) {
            snprintf(variable, length, "%s=%s", names[index], value);
            before.variables[kept++] = variable;
        }
        unsetenv(names[index]);
    }
}

// glibc gives these to whatever it calls before main.
static char *const *arguments;
__attribute__((constructor)) static void keep_arguments(int count, char **values) {
    (void)count;
    arguments = values;
}

char *const *platform_arguments(void) { return arguments; }

bool platform_harden(void) {
    if (!occupy_standard_descriptors()) return false;
    before.pipe_action = signal(SIGPIPE, SIG_IGN);
    before.size_action = signal(SIGXFSZ, SIG_IGN);
    // The Swift runtime catches crashes before main, so that swift-backtrace prints registers and
    // the memory that they point to.
    platform_catch_crashes();
    hide_memory();
    before.mask = umask(077);
    unset_dangerous_variables();
    return true;
}

char *const *platform_variables_before(void) { return before.variables; }

void platform_soften(void) {
    umask(before.mask);
    setrlimit(RLIMIT_CORE, &before.core);
    signal(SIGPIPE, before.pipe_action == SIG_IGN ? SIG_IGN : SIG_DFL);
    signal(SIGXFSZ, before.size_action == SIG_IGN ? SIG_IGN : SIG_DFL);
}

bool platform_has_borrowed_rights(void) {
    return getauxval(AT_SECURE) != 0;
}
