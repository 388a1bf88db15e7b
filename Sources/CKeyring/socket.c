#define _GNU_SOURCE
#include "socket.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

static int64_t milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/// Returns true if this uid stands for users that have no number of their own here: the process is
/// in a user namespace that does not number all users. Outside of one it is an ordinary user.
static bool is_overflow_user(uid_t user) {
    unsigned overflow = 0;
    FILE *file = fopen("/proc/sys/kernel/overflowuid", "re");
    if (file == NULL)
        return false;
    const bool is_known = fscanf(file, "%u", &overflow) == 1;
    fclose(file);
    if (!is_known || overflow != user || (file = fopen("/proc/self/uid_map", "re")) == NULL)
        return false;
    uint64_t numbered = 0, count;
    while (fscanf(file, "%*u %*u %" SCNu64, &count) == 1)
        numbered += count;
    fclose(file);
    return numbered < UINT32_MAX;
}

/// Checks the user of the process that listens on the other end of a socket, as the kernel tells
/// it.
static KeyringOutcome check_listener(int file, char *reason) {
    struct ucred listener;
    socklen_t size = sizeof listener;
    if (getsockopt(file, SOL_SOCKET, SO_PEERCRED, &listener, &size) != 0)
        return fail(reason, KeyringOutcomeFailed,
                    "who listens at the address of the session bus is unknown: %s",
                    strerror(errno));
    if (listener.uid == geteuid() || listener.uid == 0 || is_overflow_user(listener.uid))
        return KeyringOutcomeDone;
    return fail(reason, KeyringOutcomeRefused,
                "another user (uid %u) listens at the address of the session bus", listener.uid);
}

static KeyringOutcome connect_failure(int error, char *reason) {
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED:
        return fail(reason, KeyringOutcomeAbsent, "no session bus is running");
    case EAGAIN:
        return fail(reason, KeyringOutcomeTimedOut, "the session bus did not answer");
    case EACCES:
    case EPERM:
        return fail(reason, KeyringOutcomeRefused, "the session bus refused the connection");
    }
    return fail(reason, KeyringOutcomeFailed, "the session bus cannot be reached: %s",
                strerror(error));
}

/// Connects to one endpoint. The socket does not block. It has no timeout of its own: GDBus later
/// closes a connection whose socket has one (Tests/Benchmarks/README.md).
static KeyringOutcome connect_to(const Endpoint *endpoint, int64_t deadline, int *opened,
                                 char *reason) {
    if (endpoint->length == 0)
        return fail(reason, KeyringOutcomeFailed,
                    "the session bus is at no unix socket, and is not used");
    const int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = file < 0 ? errno : 0;
    while (error == 0 &&
           connect(file, (const struct sockaddr *)&endpoint->name, endpoint->length) != 0) {
        // If the listener's queue is full, connect fails at once; it is tried again until there is
        // room.
        static const struct timespec pause = {.tv_nsec = 10000000};
        if (errno != EINTR && (errno != EAGAIN || milliseconds() >= deadline))
            error = errno;
        else
            nanosleep(&pause, NULL);
    }
    const KeyringOutcome outcome =
        error == 0 ? check_listener(file, reason) : connect_failure(error, reason);
    if (outcome == KeyringOutcomeDone)
        *opened = file;
    else if (file >= 0)
        close(file);
    return outcome;
}

KeyringOutcome socket_open(const char *address, BusSocket *bus, char *reason) {
    const int64_t deadline = milliseconds() + CONNECT_MILLISECONDS;
    KeyringOutcome outcome = fail(reason, KeyringOutcomeAbsent, "no session bus is running");
    for (const char *text = address; text != NULL && *text != '\0'; text += *text == ';') {
        Endpoint endpoint;
        char why[REASON_SIZE];
        text = address_read(text, &endpoint);
        const KeyringOutcome here =
            text != NULL ? connect_to(&endpoint, deadline, &bus->file, why)
                         : fail(why, KeyringOutcomeFailed,
                                "the address of the session bus is malformed");
        if (here == KeyringOutcomeDone) {
            memcpy(bus->guid, endpoint.guid, sizeof bus->guid);
            return here;
        }
        // The reason that is reported is that of the first endpoint on which a process listens.
        if (outcome == KeyringOutcomeAbsent)
            outcome = fail(reason, here, "%s", why);
        if (text == NULL)
            break;
    }
    return outcome;
}

void socket_begin_authentication(const BusSocket *bus) {
    // All lines are sent at once, as systemd's sd-bus does (D-Bus specification, "Authentication
    // Protocol"): GLib takes five round trips and two threads. EXTERNAL without an identity means
    // the user that the kernel names, which also works where user namespaces number users
    // differently.
    static const char lines[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
    send(bus->file, lines, sizeof lines - 1, MSG_NOSIGNAL);
}

/// Returns true if the answer, as far as it has come, is that of a bus which lets this process in.
/// `guid` is the bus's id once the answer is complete, up to `*guid_length`; null before that.
static bool is_welcome(const char *answer, size_t length, const char **guid, size_t *guid_length) {
    static const char expected[] = "DATA\r\nOK ";
    const size_t known = sizeof expected - 1;
    const char *end = length > known ? memchr(answer + known, '\n', length - known) : NULL;
    *guid = NULL;
    if (memcmp(answer, expected, length < known ? length : known) != 0 ||
        (end != NULL && end != answer + length - 1))
        return false;
    if (end != NULL) {
        *guid = answer + known;
        *guid_length = (size_t)(end - *guid);
        if (*guid_length > 0 && end[-1] == '\r')
            *guid_length -= 1;
    }
    return true;
}

KeyringOutcome socket_finish_authentication(const BusSocket *bus, char *reason) {
    const int64_t deadline = milliseconds() + CONNECT_MILLISECONDS;
    char answer[128];
    size_t length = 0, guid_length = 0;
    const char *guid = NULL;
    while (guid == NULL) {
        const int64_t left = deadline - milliseconds();
        struct pollfd poller = {.fd = bus->file, .events = POLLIN};
        const int count = left > 0 ? poll(&poller, 1, (int)left) : 0;
        if (count < 0 && errno == EINTR)
            continue;
        if (count == 0)
            return fail(reason, KeyringOutcomeTimedOut, "the session bus did not answer");
        const ssize_t received =
            count < 0 ? -1 : recv(bus->file, answer + length, sizeof answer - length, 0);
        if (received < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (received <= 0)
            return KeyringOutcomeFailed;
        length += (size_t)received;
        if (!is_welcome(answer, length, &guid, &guid_length) ||
            (guid == NULL && length == sizeof answer))
            return KeyringOutcomeFailed;
    }
    return socket_check_guid(bus, guid, guid_length, reason);
}

KeyringOutcome socket_check_guid(const BusSocket *bus, const char *guid, size_t length,
                                 char *reason) {
    if (bus->guid[0] == '\0' ||
        (strlen(bus->guid) == length && strncasecmp(bus->guid, guid, length) == 0))
        return KeyringOutcomeDone;
    return fail(reason, KeyringOutcomeRefused,
                "another bus listens there than the one that the address names: its guid differs");
}
