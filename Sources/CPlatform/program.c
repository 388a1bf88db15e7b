#define _GNU_SOURCE
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// The environment of a program: this process's variables, and those that the caller gives.
typedef struct {
    char **entries;
    // The first of the entries that are wiped.
    size_t own;
    size_t count;
} Variables;

static bool is_replaced(const char *entry, const PlatformVariable *variables, size_t count) {
    for (size_t index = 0; index < count; index++) {
        const size_t length = strlen(variables[index].name);
        if (strncmp(entry, variables[index].name, length) == 0 && entry[length] == '=')
            return true;
    }
    return false;
}

static bool variables_make(Variables *made, const PlatformVariable *variables, size_t count) {
    size_t total = count + 1;
    for (char *const *entry = environ; *entry != NULL; entry++) total++;
    for (char *const *entry = platform_variables_before(); *entry != NULL; entry++) total++;
    *made = (Variables){calloc(total, sizeof(char *)), 0, 0};
    if (made->entries == NULL) return false;
    for (char *const *entry = environ; *entry != NULL; entry++)
        if (!is_replaced(*entry, variables, count)) made->entries[made->count++] = *entry;
    for (char *const *entry = platform_variables_before(); *entry != NULL; entry++)
        if (!is_replaced(*entry, variables, count)) made->entries[made->count++] = *entry;
    made->own = made->count;
    for (size_t index = 0; index < count; index++) {
        const size_t length = strlen(variables[index].name);
        char *entry = malloc(length + 1 + variables[index].length + 1);
        if (entry == NULL) return false;
        memcpy(entry, variables[index].name, length);
        entry[length] = '=';
        memcpy(entry + length + 1, variables[index].value, variables[index].length);
        entry[length + 1 + variables[index].length] = '\0';
        made->entries[made->count++] = entry;
    }
    return true;
}

static void variables_wipe(Variables *made) {
    for (size_t index = made->own; made->entries != NULL && index < made->count; index++) {
        explicit_bzero(made->entries[index], strlen(made->entries[index]));
        free(made->entries[index]);
    }
    free(made->entries);
}

int platform_exec(char *const *arguments, const PlatformVariable *variables, size_t count) {
    Variables made;
    int error = ENOMEM;
    if (variables_make(&made, variables, count)) {
        platform_soften();
        execvpe(arguments[0], arguments, made.entries);
        error = errno;
    }
    variables_wipe(&made);
    return error;
}

// A signal that has arrived. If the terminal sent it, the child has received it too.
typedef struct {
    int number;
    bool is_terminals;
} Arrival;

static int arrivals[2];

static void note_signal(int number, siginfo_t *information, void *context) {
    (void)context;
    const int error = errno;
    const Arrival arrival = {number, information->si_code > 0};
    // A full pipe already holds enough signals.
    const ssize_t written = write(arrivals[1], &arrival, sizeof arrival);
    (void)written;
    errno = error;
}

static const int forwarded[] = {SIGHUP,  SIGINT,   SIGQUIT, SIGTERM, SIGUSR1,
                                SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT};
enum { FORWARDED = sizeof forwarded / sizeof *forwarded };

static void handle(int number, struct sigaction *previous) {
    struct sigaction action = {.sa_sigaction = note_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigfillset(&action.sa_mask);
    sigaction(number, NULL, previous);
    // A signal that this process was told to ignore is ignored by its child too.
    if (previous->sa_handler != SIG_IGN) sigaction(number, &action, NULL);
}

// Waits for the child, and passes signals on to it meanwhile.
static int wait_for(pid_t child) {
    for (;;) {
        int status;
        const pid_t changed = waitpid(child, &status, WNOHANG | WUNTRACED);
        if (changed == child && WIFEXITED(status)) return WEXITSTATUS(status);
        if (changed == child && WIFSIGNALED(status)) return 128 + WTERMSIG(status);
        // If the child is stopped, this process stops too, as a shell expects of one job.
        if (changed == child && WIFSTOPPED(status)) raise(SIGSTOP);
        Arrival arrival;
        const ssize_t length = read(arrivals[0], &arrival, sizeof arrival);
        if (length != sizeof arrival || arrival.number == SIGCHLD) continue;
        if (!arrival.is_terminals) kill(child, arrival.number);
    }
}

int platform_run(char *const *arguments, const PlatformVariable *variables, size_t count,
                 int kept) {
    Variables made;
    int failure[2];
    if (!variables_make(&made, variables, count) || pipe2(arrivals, O_CLOEXEC) != 0 ||
        pipe2(failure, O_CLOEXEC) != 0) {
        variables_wipe(&made);
        return -ENOMEM;
    }
    fcntl(arrivals[1], F_SETFL, O_NONBLOCK);
    struct sigaction previous[FORWARDED], child_action;
    for (size_t index = 0; index < FORWARDED; index++) handle(forwarded[index], &previous[index]);
    handle(SIGCHLD, &child_action);

    const pid_t child = fork();
    if (child == 0) {
        for (size_t index = 0; index < FORWARDED; index++)
            sigaction(forwarded[index], &previous[index], NULL);
        sigaction(SIGCHLD, &child_action, NULL);
        if (kept >= 0) fcntl(kept, F_SETFD, 0);
        platform_soften();
        execvpe(arguments[0], arguments, made.entries);
        const int error = errno;
        const ssize_t written = write(failure[1], &error, sizeof error);
        (void)written;
        _exit(127);
    }
    const int fork_error = errno;
    variables_wipe(&made);
    close(failure[1]);
    int error = 0;
    const ssize_t length = child < 0 ? 0 : read(failure[0], &error, sizeof error);
    close(failure[0]);
    if (child < 0) return -fork_error;
    const int status = wait_for(child);
    return length == sizeof error ? -error : status;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status, (void)kind, (void)walk;
    remove(path);
    return 0;
}

void platform_remove_folder(const char *path) {
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
