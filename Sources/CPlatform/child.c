// Runs a program under a guardian process that ends everything that the program has started. The
// guardian is a fork of this process that runs only the code here; all functions that it calls are
// async-signal-safe.

#define _GNU_SOURCE
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// The time that a program has to end by itself after SIGTERM; the time that what it left running has to
// become a daemon, and again to end after SIGTERM; and the time that an end may take after SIGKILL.
enum { GRACE_MILLISECONDS = 500, REST_MILLISECONDS = 100, END_MILLISECONDS = 1500 };

static long milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void send_to_all(const pid_t *children, size_t count, int signal_number) {
    for (size_t index = 0; index < count; index++) kill(children[index], signal_number);
}

// Returns the children of this process: the program unless it is 0, and its other descendants, which
// become children when their own parents end. On a kernel without this file (CONFIG_PROC_CHILDREN),
// only the program is found.
static size_t find_children(pid_t program, pid_t *children, size_t limit) {
    size_t count = 0;
    if (program != 0) children[count++] = program;
    const int file = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    if (file < 0) return count;
    count = 0;
    pid_t number = 0;
    char text[512];
    ssize_t length;
    while ((length = read(file, text, sizeof text)) > 0) {
        for (ssize_t index = 0; index < length; index++) {
            if (text[index] >= '0' && text[index] <= '9') {
                number = number * 10 + (text[index] - '0');
            } else if (number != 0) {
                if (count < limit) children[count++] = number;
                number = 0;
            }
        }
    }
    close(file);
    return count;
}

// Reaps the children that have ended. Returns false if no child is left.
static bool reap(void) {
    for (;;) {
        const pid_t ended = waitpid(-1, NULL, WNOHANG);
        if (ended == 0) return true;
        if (ended < 0 && errno != EINTR) return false;
    }
}

// Ends the program and everything that it has started: the children of a killed process become
// children of this one, and are found the next time.
static void end_all(pid_t program) {
    enum { LIMIT = 256 };
    pid_t children[LIMIT];
    const struct timespec pause = {.tv_nsec = 5000000};
    send_to_all(children, find_children(program, children, LIMIT), SIGTERM);
    const long killing = milliseconds() + GRACE_MILLISECONDS;
    while (reap() && milliseconds() < killing) nanosleep(&pause, NULL);
    const long giving_up = milliseconds() + END_MILLISECONDS;
    while (reap() && milliseconds() < giving_up) {
        send_to_all(children, find_children(program, children, LIMIT), SIGKILL);
        nanosleep(&pause, NULL);
    }
    _exit(1);
}

// Ends what the program has left running, except daemons: they have sessions of their own.
static void end_rest(void) {
    enum { LIMIT = 256 };
    const pid_t session = getsid(0);
    const struct timespec pause = {.tv_nsec = 2000000};
    const long start = milliseconds();
    bool is_told = false;
    while (reap()) {
        pid_t children[LIMIT];
        const size_t found = find_children(0, children, LIMIT);
        size_t count = 0;
        for (size_t index = 0; index < found; index++)
            if (getsid(children[index]) == session) children[count++] = children[index];
        const long passed = milliseconds() - start;
        if (count == 0 || passed >= END_MILLISECONDS) return;
        if (passed >= 2 * REST_MILLISECONDS) {
            send_to_all(children, count, SIGKILL);
        } else if (passed >= REST_MILLISECONDS && !is_told) {
            send_to_all(children, count, SIGTERM);
            is_told = true;
        }
        nanosleep(&pause, NULL);
    }
}

// Ends this process in the way in which the program has ended.
static void end_like(int status) {
    if (WIFSIGNALED(status)) {
        const struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        sigset_t none_blocked;
        sigemptyset(&none_blocked);
        signal(WTERMSIG(status), SIG_DFL);
        raise(WTERMSIG(status));
        pthread_sigmask(SIG_SETMASK, &none_blocked, NULL);
        _exit(128 + WTERMSIG(status));
    }
    _exit(WEXITSTATUS(status));
}

static void run_program(char *const *arguments, int input, int output, int failure) {
    // The duplicates are numbered above the standard streams, so that dup2 onto those closes none
    // of them.
    input = input < 0 ? open("/dev/null", O_RDONLY) : fcntl(input, F_DUPFD, STDERR_FILENO + 1);
    output = fcntl(output, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (input >= 0 && output >= 0 && dup2(input, STDIN_FILENO) >= 0 &&
        dup2(output, STDOUT_FILENO) >= 0) {
        if (input > STDERR_FILENO) close(input);
        sigset_t none;
        sigemptyset(&none);
        pthread_sigmask(SIG_SETMASK, &none, NULL);
        platform_soften();
        execvp(arguments[0], arguments);
    }
    const int error = errno;
    const ssize_t written = write(failure, &error, sizeof error);
    (void)written;
    _exit(127);
}

// Waits for the program, or for SIGTERM, which orders its end. All signals are blocked: the program
// also receives those that the terminal sends, and decides what they mean.
static void guard(char *const *arguments, int input, int output, int failure) {
    sigset_t awaited;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGTERM);
    sigaddset(&awaited, SIGCHLD);
    signal(SIGTERM, SIG_DFL);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    const pid_t program = fork();
    if (program == 0) run_program(arguments, input, output, failure);
    if (program < 0) {
        const int error = errno;
        const ssize_t written = write(failure, &error, sizeof error);
        (void)written;
        _exit(127);
    }
    // The reader of the program's output waits until no process can write to it any more.
    if (close_range(0, ~0U, 0) != 0) {
        const int limit = (int)sysconf(_SC_OPEN_MAX);
        for (int file = 0; file < limit; file++) close(file);
    }
    for (;;) {
        int status;
        pid_t ended;
        while ((ended = waitpid(-1, &status, WNOHANG)) > 0)
            if (ended == program) {
                end_rest();
                end_like(status);
            }
        siginfo_t arrived;
        if (sigwaitinfo(&awaited, &arrived) == SIGTERM) end_all(program);
    }
}

// The pipes to and from a program, and one that reports why it was not started.
typedef struct {
    int input[2], output[2], failure[2];
} Pipes;

static void close_both(const int ends[2]) {
    for (int end = 0; end < 2; end++)
        if (ends[end] >= 0) close(ends[end]);
}

static bool open_pipes(Pipes *pipes, bool reads) {
    *pipes = (Pipes){{-1, -1}, {-1, -1}, {-1, -1}};
    if ((!reads || pipe2(pipes->input, O_CLOEXEC) == 0) && pipe2(pipes->output, O_CLOEXEC) == 0 &&
        pipe2(pipes->failure, O_CLOEXEC) == 0)
        return true;
    const int error = errno;
    close_both(pipes->input), close_both(pipes->output), close_both(pipes->failure);
    errno = error;
    return false;
}

// Returns the error number for which the program was not started; 0 if it was.
static int read_failure(int file) {
    int error;
    ssize_t length;
    do length = read(file, &error, sizeof error);
    while (length < 0 && errno == EINTR);
    return length == sizeof error ? error : 0;
}

int platform_child_start(char *const *arguments, bool reads, PlatformChild *child) {
    Pipes pipes;
    if (!open_pipes(&pipes, reads)) return errno;
    // A process that ignores this signal cannot wait for its children.
    signal(SIGCHLD, SIG_DFL);
    sigset_t all, mask;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask);
    const pid_t parent = getpid();
    const pid_t guardian = fork();
    if (guardian == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
        if (getppid() != parent) _exit(1);
        guard(arguments, pipes.input[0], pipes.output[1], pipes.failure[1]);
    }
    int error = guardian < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    close(pipes.output[1]), close(pipes.failure[1]);
    if (reads) close(pipes.input[0]);
    if (guardian > 0) {
        error = read_failure(pipes.failure[0]);
        if (error != 0) waitpid(guardian, NULL, 0);
    }
    close(pipes.failure[0]);
    if (error != 0) {
        close(pipes.output[0]);
        if (reads) close(pipes.input[1]);
        return error;
    }
    fcntl(pipes.output[0], F_SETFL, O_NONBLOCK);
    if (reads) fcntl(pipes.input[1], F_SETFL, O_NONBLOCK);
    *child = (PlatformChild){guardian, pipes.input[1], pipes.output[0]};
    return 0;
}

bool platform_child_has_ended(pid_t child, int *status) {
    int raw;
    const pid_t ended = waitpid(child, &raw, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) return false;
    *status = ended == child && WIFEXITED(raw) ? WEXITSTATUS(raw) : -1;
    return true;
}

void platform_child_end(pid_t child) {
    kill(child, SIGTERM);
    const struct timespec pause = {.tv_nsec = 2000000};
    const long killing = milliseconds() + GRACE_MILLISECONDS + END_MILLISECONDS + 500;
    int status;
    while (!platform_child_has_ended(child, &status)) {
        if (milliseconds() >= killing) kill(child, SIGKILL);
        if (milliseconds() >= killing + 500) return;
        nanosleep(&pause, NULL);
    }
}
