// A question on the terminal, with the echo off. Whatever ends it, an answer, the deadline or a
// signal, the terminal is as it was before anything else happens.

#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

// SIGALRM is the watchdog's.
static const int caught[] = {SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU};
enum { caught_count = sizeof caught / sizeof *caught };

static volatile sig_atomic_t arrived;

static void on_signal(int number) { arrived = number; }

static long milliseconds_until(const struct timespec *end) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (end->tv_sec - now.tv_sec) * 1000 + (end->tv_nsec - now.tv_nsec) / 1000000;
}

// Reads up to the end of the line. The rest of a line that is too long is read and dropped.
static int read_line(int terminal, unsigned char *answer, int size, unsigned seconds) {
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += seconds;
    int count = 0;
    bool fits = true;
    for (;;) {
        if (arrived != 0) return platform_terminal_interrupted;
        const long left = milliseconds_until(&end);
        if (left <= 0) return platform_terminal_timed_out;
        struct pollfd input = {.fd = terminal, .events = POLLIN};
        // Short, since a signal may arrive just before the wait begins.
        if (poll(&input, 1, left < 100 ? (int)left : 100) <= 0) continue;
        unsigned char byte;
        const ssize_t length = read(terminal, &byte, 1);
        if (length < 0 && errno == EINTR) continue;
        if (length <= 0) return platform_terminal_absent;
        if (byte == '\n' || byte == '\r') return fits ? count : platform_terminal_too_long;
        if (count < size)
            answer[count++] = byte;
        else
            fits = false;
    }
}

// The process may be in the background by now; SIGTTOU, unless blocked, would keep it from this.
static void restore(int terminal, const struct termios *before) {
    sigset_t background, mask;
    sigemptyset(&background);
    sigaddset(&background, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &background, &mask);
    const ssize_t ended = write(terminal, "\n", 1);
    (void)ended;
    while (tcsetattr(terminal, TCSAFLUSH, before) != 0 && errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

int platform_terminal_ask(const char *question, unsigned char *answer, int size,
                          unsigned seconds) {
    const int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0) return platform_terminal_absent;
    struct termios before;
    if (tcgetattr(terminal, &before) != 0) {
        close(terminal);
        return platform_terminal_absent;
    }

    arrived = 0;
    struct sigaction actions[caught_count], catching = {.sa_handler = on_signal};
    sigemptyset(&catching.sa_mask);
    for (int index = 0; index < caught_count; index++)
        sigaction(caught[index], &catching, &actions[index]);

    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    int result = platform_terminal_absent;
    if (tcsetattr(terminal, TCSAFLUSH, &silent) == 0) {
        if (write(terminal, question, strlen(question)) > 0)
            result = read_line(terminal, answer, size, seconds);
        restore(terminal, &before);
    }

    for (int index = 0; index < caught_count; index++)
        sigaction(caught[index], &actions[index], NULL);
    close(terminal);
    if (arrived != 0) raise(arrived);
    return result;
}
