// Ends the process with an answer when the program itself no longer can: by a timer of the kernel,
// which works whatever the process waits for (GLib, a lock or a pipe), and by the signals of a
// crash. All functions that the handlers call are async-signal-safe.

#define _GNU_SOURCE
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// Each set of texts has a slot of its own, so that a handler never sees half of a change.
static PlatformLastWords words[4];
static atomic_int current = -1;
static atomic_flag is_claimed = ATOMIC_FLAG_INIT;
static volatile sig_atomic_t has_crashed;

// The longest time that writing the last words may take.
static const unsigned patience_in_seconds = 2;

// Writes a line with one call, so that no other process writes into it.
static void write_line(int file, const char *start, const char *reason, const char *end) {
    char line[512];
    size_t count = 0;
    const char *parts[] = {start, reason, end};
    for (size_t part = 0; part < sizeof parts / sizeof *parts; part++) {
        const size_t length = strlen(parts[part]);
        if (length > sizeof line - count) return;
        memcpy(line + count, parts[part], length);
        count += length;
    }
    const char *rest = line;
    while (count > 0) {
        const ssize_t written = write(file, rest, count);
        if (written <= 0) return;
        rest += written;
        count -= (size_t)written;
    }
}

// Ends the process. If an answer has been claimed, no other one is written.
static void end(const char *reason, bool is_told) {
    const bool is_answered = atomic_flag_test_and_set(&is_claimed);
    alarm(patience_in_seconds);
    const int index = atomic_load(&current);
    if (index >= 0) {
        const PlatformLastWords *last = &words[index];
        if (!is_answered && last->answer_start != NULL)
            write_line(STDOUT_FILENO, last->answer_start, reason, last->answer_end);
        if (!is_answered || is_told)
            write_line(STDERR_FILENO, last->complaint_start, reason, last->complaint_end);
    }
    _exit(1);
}

// The answer is claimed by the first signal. A second one then finds that this process is stuck.
static void on_alarm(int number) {
    (void)number;
    end("timed out", false);
}

// Returns the reason why a library aborts, which it reports only by a signal.
static const char *crash_reason(int number) {
    // The size of a new thread's stack.
    const size_t size = 8 << 20;
    // The kernel never merges shared memory with an existing mapping.
    void *memory = mmap(NULL, size, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return "out of memory";
    munmap(memory, size);
    // RLIMIT_DATA counts only memory that is private and can be written to.
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return "out of memory";
    munmap(memory, size);
    // GLib ends the process if it cannot have a descriptor.
    const int descriptor = open("/", O_PATH | O_CLOEXEC);
    if (descriptor < 0 && (errno == EMFILE || errno == ENFILE)) return "no more files may be open";
    if (descriptor >= 0) close(descriptor);
    const pid_t child = _Fork();
    if (child == 0) _exit(0);
    if (child < 0) return "no more threads or processes may be started";
    waitpid(child, NULL, 0);
    switch (number) {
    case SIGABRT: return "crashed (SIGABRT)";
    case SIGBUS: return "crashed (SIGBUS)";
    case SIGFPE: return "crashed (SIGFPE)";
    case SIGILL: return "crashed (SIGILL)";
    case SIGSEGV: return "crashed (SIGSEGV)";
    case SIGSYS: return "crashed (SIGSYS)";
    case SIGTRAP: return "crashed (SIGTRAP)";
    case SIGXCPU: return "used up its processor time";
    default: return "crashed";
    }
}

static void on_crash(int number) {
    // A second crash came from this handler, or from another thread meanwhile.
    if (has_crashed) _exit(1);
    has_crashed = 1;
    end(crash_reason(number), true);
}

void platform_catch_crashes(void) {
    static const int crashes[] = {SIGABRT, SIGBUS, SIGFPE,  SIGILL,
                                  SIGSEGV, SIGSYS, SIGTRAP, SIGXCPU};
    // The handlers have a stack of their own, since the program's may be used up.
    static unsigned char memory[1 << 16];
    const stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK | SA_NODEFER};
    sigset_t signals;
    sigemptyset(&signals);
    for (size_t index = 0; index < sizeof crashes / sizeof *crashes; index++) {
        sigaction(crashes[index], &action, NULL);
        sigaddset(&signals, crashes[index]);
    }
    // The Swift runtime also catches SIGQUIT, which is no crash.
    if (sigaction(SIGQUIT, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
        signal(SIGQUIT, SIG_DFL);
    // A crash whose signal is blocked ends the process without a message (signal(7)).
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

void platform_watchdog_start(unsigned seconds) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    action.sa_flags = SA_NODEFER | SA_RESTART;
    sigaction(SIGALRM, &action, NULL);

    // A signal mask is inherited: the process that started this one may have blocked the signal.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    alarm(seconds);
}

void platform_set_last_words(PlatformLastWords last) {
    const int next = atomic_load(&current) + 1;
    if (next >= (int)(sizeof words / sizeof *words)) return;
    words[next] = last;
    atomic_store(&current, next);
}

void platform_watchdog_claim(void) {
    while (atomic_flag_test_and_set(&is_claimed)) pause();
}
