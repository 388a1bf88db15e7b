// Asks a question on the terminal. However the question ends, by an answer, the deadline or a
// signal, the terminal is restored before anything else happens.

#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

// The signals that end or stop a process and that another process or the terminal sends. SIGALRM is
// the watchdog's. SIGCONT shows that the process was stopped.
static const int caught[] = {SIGALRM, SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,  SIGPOLL,
                             SIGPROF, SIGXCPU, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGVTALRM};
// Signals of a fault in the program itself.
static const int crashes[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
enum {
    caught_count = sizeof caught / sizeof *caught,
    crash_count = sizeof crashes / sizeof *crashes,
    // The interval, in milliseconds, of checks for changes that no signal reports.
    glance = 20,
};

// The kernel keeps at most so many bytes of a line, and drops the rest without notice (N_TTY).
enum { longest_line = 4095 };

static volatile sig_atomic_t arrived, has_continued;
static struct sigaction actions_before[caught_count], crash_actions_before[crash_count];

// The terminal while a question is asked on it; -1 otherwise.
static volatile sig_atomic_t standing = -1;
static bool is_shown;
// The terminal's settings before the question, and those that the question has set.
static struct termios before, during;

static bool is_stop(int number) {
    return number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

static void on_signal(int number) {
    if (number == SIGCONT)
        has_continued = 1;
    else if (arrived == 0 || is_stop(arrived))
        arrived = number;
}

static long milliseconds_until(const struct timespec *end) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (end->tv_sec - now.tv_sec) * 1000 + (end->tv_nsec - now.tv_nsec) / 1000000;
}

static bool is_in_foreground(int terminal) { return tcgetpgrp(terminal) == getpgrp(); }

static bool is_same(const struct termios *left, const struct termios *right) {
    return left->c_iflag == right->c_iflag && left->c_oflag == right->c_oflag &&
           left->c_cflag == right->c_cflag && left->c_lflag == right->c_lflag &&
           memcmp(left->c_cc, right->c_cc, sizeof left->c_cc) == 0;
}

// Sets the terminal up for typing a line, and remembers its settings.
static bool set(int terminal) {
    if (tcgetattr(terminal, &before) != 0) return false;
    struct termios wanted = before;
    wanted.c_iflag = (wanted.c_iflag | ICRNL) & ~(tcflag_t)(IGNCR | INLCR);
    wanted.c_oflag |= OPOST | ONLCR;
    wanted.c_lflag |= ICANON | ISIG;
    if (is_shown)
        wanted.c_lflag |= ECHO | ECHOE | ECHOK;
    else
        wanted.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    // It does not wait for pending output: a terminal may have been stopped with Ctrl-S.
    return tcsetattr(terminal, TCSANOW, &wanted) == 0 && tcgetattr(terminal, &during) == 0;
}

// Undoes the changes of `set`, unless another program has changed the settings since: a shell that
// has taken the terminal back does that.
void platform_terminal_put_back(void) {
    const int terminal = standing;
    if (terminal < 0) return;
    standing = -1;
    // The process may be in the background now; SIGTTOU, unless blocked, would stop it here.
    sigset_t background, mask;
    sigemptyset(&background);
    sigaddset(&background, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &background, &mask);
    struct termios now;
    if (tcgetattr(terminal, &now) == 0 && is_same(&now, &during)) {
        const ssize_t ended = is_shown ? 0 : write(terminal, "\n", 1);
        (void)ended;
        // The rest of an answer must not be shown, nor be read by the shell as a command.
        tcflush(terminal, TCIFLUSH);
        tcsetattr(terminal, TCSANOW, &before);
    }
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

static void on_crash(int number) {
    platform_terminal_put_back();
    for (int index = 0; index < crash_count; index++)
        sigaction(crashes[index], &crash_actions_before[index], NULL);
    // The signal arrives again when this returns.
    raise(number);
}

static void catch_signals(void) {
    arrived = has_continued = 0;
    struct sigaction catching = {.sa_handler = on_signal}, crashing = {.sa_handler = on_crash};
    sigfillset(&crashing.sa_mask);
    for (int index = 0; index < caught_count; index++) {
        sigaction(caught[index], &catching, &actions_before[index]);
        // A process that ignores stop signals still does. A signal that would end the process ends
        // the question.
        if (is_stop(caught[index]) && actions_before[index].sa_handler == SIG_IGN)
            sigaction(caught[index], &actions_before[index], NULL);
    }
    for (int index = 0; index < crash_count; index++)
        sigaction(crashes[index], &crashing, &crash_actions_before[index]);
}

static void release_signals(void) {
    for (int index = 0; index < caught_count; index++)
        sigaction(caught[index], &actions_before[index], NULL);
    for (int index = 0; index < crash_count; index++)
        sigaction(crashes[index], &crash_actions_before[index], NULL);
}

// Returns true if no process waits for the output: the reader of the pipe is gone, or, if the
// output is no pipe, the parent is.
static bool is_alone(pid_t parent) {
    struct pollfd output = {.fd = STDOUT_FILENO};
    if (poll(&output, 1, 0) > 0 && output.revents & (POLLERR | POLLHUP)) return true;
    struct stat status;
    const bool is_pipe = fstat(STDOUT_FILENO, &status) == 0 &&
                         (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
    return !is_pipe && getppid() != parent;
}

// Returns 0 if the question can go on, with the terminal's settings corrected if they were changed;
// otherwise the reason why it is over.
static int look(int terminal, pid_t parent) {
    if (arrived != 0)
        return is_stop(arrived) ? platform_terminal_stopped : platform_terminal_interrupted;
    if (is_alone(parent)) return platform_terminal_absent;
    if (!is_in_foreground(terminal)) {
        arrived = SIGTTIN;
        return platform_terminal_stopped;
    }
    // Another program that asks here may have turned the echo on when it ended. The settings that
    // it has left are the ones to restore.
    struct termios now;
    if (tcgetattr(terminal, &now) != 0) return platform_terminal_absent;
    if (!is_same(&now, &during) && !set(terminal)) return platform_terminal_absent;
    return 0;
}

static int write_question(int terminal, const char *question, const struct timespec *end,
                          pid_t parent) {
    size_t left = strlen(question);
    while (left > 0) {
        const int reason = look(terminal, parent);
        if (reason != 0) return reason;
        if (milliseconds_until(end) <= 0) return platform_terminal_timed_out;
        const ssize_t written = write(terminal, question, left);
        if (written > 0) {
            question += written;
            left -= (size_t)written;
        } else if (errno == EAGAIN) {
            struct pollfd output = {.fd = terminal, .events = POLLOUT};
            poll(&output, 1, glance);
        } else if (errno != EINTR) {
            return platform_terminal_absent;
        }
    }
    return 0;
}

// A line is read completely, so that no other reader gets a part of it.
static int read_line(int terminal, unsigned char *answer, int size, const struct timespec *end,
                     pid_t parent) {
    int count = 0;
    bool fits = true;
    for (;;) {
        const int reason = look(terminal, parent);
        if (reason != 0) return reason;
        if (milliseconds_until(end) <= 0) return platform_terminal_timed_out;
        struct pollfd input = {.fd = terminal, .events = POLLIN};
        if (poll(&input, 1, glance) <= 0) continue;
        const ssize_t length = read(terminal, answer + count, (size_t)(size - count));
        if (length < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (length < 0 || input.revents & POLLHUP) return platform_terminal_absent;
        count += (int)length;
        const bool has_end = count > 0 && answer[count - 1] == '\n';
        // Ctrl-D ends an answer, too.
        if (has_end || length == 0) {
            count -= has_end;
            return fits && count < longest_line ? count : platform_terminal_too_long;
        }
        if (count == size) {
            fits = false;
            count = 0;
        }
    }
}

int platform_terminal_ask(const char *question, unsigned char *answer, int size, unsigned seconds,
                          bool shows) {
    // No call may block here for longer than the caller allows.
    const int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (terminal < 0) return platform_terminal_absent;
    const pid_t parent = getppid();
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += seconds;

    catch_signals();
    is_shown = shows;
    int result = platform_terminal_absent;
    if (!is_in_foreground(terminal)) {
        arrived = SIGTTOU;
        result = platform_terminal_stopped;
    } else if (set(terminal)) {
        standing = terminal;
        // Input that was typed before the question is no answer to it.
        tcflush(terminal, TCIFLUSH);
        result = write_question(terminal, question, &end, parent);
        if (result == 0) result = read_line(terminal, answer, size, &end, parent);
        platform_terminal_put_back();
    } else if (arrived != 0) {
        result = look(terminal, parent);
    }
    release_signals();
    close(terminal);
    if (result < 0) explicit_bzero(answer, (size_t)size);
    if (result == platform_terminal_interrupted) raise(arrived);
    return result;
}

bool platform_terminal_stop(void) {
    const int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (terminal < 0) return false;
    struct sigaction continuing = {.sa_handler = on_signal}, previous;
    sigaction(SIGCONT, &continuing, &previous);
    has_continued = 0;
    // The watchdog does not count the time during which the user has stopped the process.
    const unsigned left = alarm(0);
    raise(arrived);
    if (left > 0) alarm(left);
    sigaction(SIGCONT, &previous, NULL);
    // A process whose session has no shell that could continue it is not stopped.
    const bool may_ask = has_continued || is_in_foreground(terminal);
    close(terminal);
    return may_ask;
}

int platform_terminal_device(void) {
    const int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (terminal < 0) return platform_terminal_absent;
    unsigned number = 0;
    const bool is_known = ioctl(terminal, TIOCGDEV, &number) == 0;
    close(terminal);
    // The number has the form in which the kernel gives device numbers to programs.
    const unsigned device_major = number >> 8 & 0xFFF;
    const unsigned device_minor = (number & 0xFF) | (number >> 12 & 0xFFF00);
    char path[40];
    if (is_known && device_major == 136)
        snprintf(path, sizeof path, "/dev/pts/%u", device_minor);
    else if (is_known && device_major == 4 && device_minor < 64)
        snprintf(path, sizeof path, "/dev/tty%u", device_minor);
    else
        return platform_terminal_unnamed;
    const int device = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    struct stat status;
    if (device >= 0 && fstat(device, &status) == 0 && S_ISCHR(status.st_mode) &&
        status.st_rdev == makedev(device_major, device_minor))
        return device;
    if (device >= 0) close(device);
    return platform_terminal_unnamed;
}
