// The watchdog is a timer of the kernel and a signal handler, so that nothing the process waits
// for, GLib, a lock or a pipe, can keep it from answering. All that the handler calls is
// async-signal-safe.

#include "CPlatform.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

struct line {
    const unsigned char *bytes;
    int count;
};

// Each line has a place of its own, so that the handler never sees half of a change.
static struct {
    struct line answer, complaint;
} lines[4];
static atomic_int current = -1;
static atomic_flag is_claimed = ATOMIC_FLAG_INIT;

// How long the watchdog's own line may take to be written.
static const unsigned patience_in_seconds = 2;

static void write_line(int file, struct line line) {
    while (line.count > 0) {
        const ssize_t written = write(file, line.bytes, (size_t)line.count);
        if (written <= 0) return;
        line.bytes += written;
        line.count -= (int)written;
    }
}

// The second signal finds the answer claimed by the first: it is the watchdog that is stuck.
static void on_alarm(int number) {
    (void)number;
    if (atomic_flag_test_and_set(&is_claimed)) _exit(1);
    alarm(patience_in_seconds);
    const int index = atomic_load(&current);
    if (index >= 0) {
        write_line(STDOUT_FILENO, lines[index].answer);
        write_line(STDERR_FILENO, lines[index].complaint);
    }
    _exit(1);
}

void platform_watchdog_start(unsigned seconds) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    action.sa_flags = SA_NODEFER | SA_RESTART;
    sigaction(SIGALRM, &action, NULL);

    // A mask is inherited: whoever started this process may have blocked the signal.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    alarm(seconds);
}

void platform_watchdog_say(const unsigned char *answer, int answer_count,
                           const unsigned char *complaint, int complaint_count) {
    const int next = atomic_load(&current) + 1;
    if (next >= (int)(sizeof lines / sizeof lines[0])) return;
    lines[next].answer = (struct line){answer, answer_count};
    lines[next].complaint = (struct line){complaint, complaint_count};
    atomic_store(&current, next);
}

void platform_watchdog_claim(void) {
    while (atomic_flag_test_and_set(&is_claimed)) pause();
}
