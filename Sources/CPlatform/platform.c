#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

bool platform_occupy_standard_descriptors(void) {
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

void platform_hide_memory(void) {
    const struct rlimit none = {0, 0};
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
    crash_quietly();
}

bool platform_has_borrowed_rights(void) {
    return getauxval(AT_SECURE) != 0;
}
