/// The socket of the session bus.
///
/// A bus is reached at a unix socket alone, since only there the kernel says who listens: it must be
/// this user or root. Whoever takes the place of a bus that is gone, at a path or a name that
/// others may use too, would be given the secrets otherwise. So nothing is sent before that is
/// known, and GLib, which connects without a look, never opens a socket of its own.
///
/// GLib authenticates in every way there is, in five round trips and with two threads. Here it is
/// one: a client may say all its lines at once, as systemd's sd-bus does (D-Bus specification,
/// "Authentication Protocol"; EXTERNAL without an identity is whoever the kernel says is at the
/// other end, also where user namespaces number users differently).
///
/// Nothing here needs GLib: without a bus it matters to nobody whether that can be opened.

#define _GNU_SOURCE
#include "keyring.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// The address.

/// One of the places that an address names.
typedef struct Place {
    struct sockaddr_un name;
    /// The length of the name; 0 where the place is no unix socket.
    socklen_t length;
    /// The id that the bus there must have; empty where none is named.
    char guid[GUID_SIZE + 1];
} Place;

static int digit(char character) {
    if (character >= '0' && character <= '9')
        return character - '0';
    const char lower = (char)(character | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool is_end(char character) { return character == ';' || character == '\0'; }

/// Takes the value that begins here, up to a comma or the end, with its escapes resolved. Returns
/// what follows it; null where it does not fit, or is empty or malformed, or holds a NUL.
static const char *take_value(const char *text, char *value, size_t size, size_t *length) {
    *length = 0;
    while (*text != ',' && !is_end(*text)) {
        char byte = *text;
        if (byte == '%') {
            const int high = digit(text[1]);
            const int low = high < 0 ? -1 : digit(text[2]);
            if (low < 0)
                return NULL;
            byte = (char)(high << 4 | low);
            text += 2;
        }
        if (byte == '\0' || *length == size)
            return NULL;
        value[(*length)++] = byte;
        text += 1;
    }
    return *length > 0 ? text : NULL;
}

static bool take_prefix(const char **text, const char *prefix) {
    const size_t length = strlen(prefix);
    if (strncmp(*text, prefix, length) != 0)
        return false;
    *text += length;
    return true;
}

/// Takes one pair of a key and a value. A key that a client has no use for is passed over.
static const char *take_pair(const char *text, Place *place) {
    const bool is_path = take_prefix(&text, "path=");
    if (is_path || take_prefix(&text, "abstract=")) {
        if (place->length > 0)
            return NULL;
        // A path ends in NUL, and the name of an abstract socket begins with one.
        size_t length;
        text = take_value(text, place->name.sun_path + (is_path ? 0 : 1),
                          sizeof place->name.sun_path - 1, &length);
        // Of a path the NUL counts.
        place->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
        return text;
    }
    size_t length;
    if (take_prefix(&text, "guid="))
        return place->guid[0] == '\0' ? take_value(text, place->guid, GUID_SIZE, &length) : NULL;
    const size_t name = strcspn(text, "=,;");
    char value[256];
    return name > 0 && text[name] == '=' ? take_value(text + name + 1, value, sizeof value, &length)
                                         : NULL;
}

/// Takes one place of an address. Returns its end; null where it is malformed.
static const char *take_place(const char *text, Place *place) {
    *place = (Place){.name = {.sun_family = AF_UNIX}};
    if (!take_prefix(&text, "unix:")) {
        const size_t transport = strcspn(text, ":;");
        return transport > 0 && text[transport] == ':' ? text + strcspn(text, ";") : NULL;
    }
    for (;;) {
        text = take_pair(text, place);
        if (text == NULL || is_end(*text))
            return place->length > 0 ? text : NULL;
        text += 1;
    }
}

/// In microseconds.
static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

// The check of the process that listens.

/// Returns true if this number stands for users that have none of their own here: the process is in
/// a user namespace that does not number all users. Outside of one it is a user like any other.
static bool stands_for_others(uid_t user) {
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

/// Looks who listens at the other end of a socket; the kernel says whose process it was that began
/// to.
static KeyringOutcome meet(int file, char *reason) {
    struct ucred listener;
    socklen_t size = sizeof listener;
    if (getsockopt(file, SOL_SOCKET, SO_PEERCRED, &listener, &size) != 0) {
        snprintf(reason, REASON_SIZE, "who listens at the address of the session bus is unknown: %s",
                 strerror(errno));
        return KeyringOutcomeFailed;
    }
    if (listener.uid == geteuid() || listener.uid == 0 || stands_for_others(listener.uid))
        return KeyringOutcomeDone;
    snprintf(reason, REASON_SIZE, "another user (uid %u) listens at the address of the session bus",
             listener.uid);
    return KeyringOutcomeRefused;
}

// Connecting.

static KeyringOutcome connect_failure(int error, char *reason) {
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED:
        return KeyringOutcomeAbsent;
    case EAGAIN:
        snprintf(reason, REASON_SIZE, "the session bus did not answer");
        return KeyringOutcomeTimedOut;
    case EACCES:
    case EPERM:
        snprintf(reason, REASON_SIZE, "the session bus refused the connection");
        return KeyringOutcomeRefused;
    }
    snprintf(reason, REASON_SIZE, "the session bus cannot be reached: %s", strerror(error));
    return KeyringOutcomeFailed;
}

/// Connects to one place; `reason` says why not, unless nobody listens there. The socket does not
/// block. It has no timeout of its own: GDBus later closes a connection whose socket has one.
static KeyringOutcome connect_to(const Place *place, int64_t deadline, int *opened, char *reason) {
    if (place->length == 0) {
        snprintf(reason, REASON_SIZE, "the session bus is at no unix socket, and is not used");
        return KeyringOutcomeFailed;
    }
    const int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = file < 0 ? errno : 0;
    while (error == 0 && connect(file, (const struct sockaddr *)&place->name, place->length) != 0) {
        // A listener that accepts nobody lets one wait until there is room.
        static const struct timespec pause = {.tv_nsec = 10000000};
        if (errno != EINTR && (errno != EAGAIN || now() >= deadline))
            error = errno;
        else
            nanosleep(&pause, NULL);
    }
    const KeyringOutcome outcome =
        error == 0 ? meet(file, reason) : connect_failure(error, reason);
    if (outcome == KeyringOutcomeDone)
        *opened = file;
    else if (file >= 0)
        close(file);
    return outcome;
}

KeyringOutcome bus_socket_open(Keyring *keyring, const char *address, BusSocket *bus) {
    const int64_t deadline = now() + CONNECT_MILLISECONDS * 1000;
    KeyringOutcome first =
        keyring_fail(keyring, KeyringOutcomeAbsent, "no session bus is running");
    for (const char *text = address; text != NULL && *text != '\0'; text += *text == ';') {
        Place place;
        char reason[REASON_SIZE] = "the address of the session bus is malformed";
        KeyringOutcome outcome = KeyringOutcomeFailed;
        text = take_place(text, &place);
        if (text != NULL)
            outcome = connect_to(&place, deadline, &bus->file, reason);
        if (outcome == KeyringOutcomeDone) {
            memcpy(bus->guid, place.guid, sizeof bus->guid);
            return outcome;
        }
        // Of several places the first that somebody is at says why there is no bus.
        if (first == KeyringOutcomeAbsent && outcome != first)
            first = keyring_fail(keyring, outcome, reason);
        if (text == NULL)
            break;
    }
    return first;
}

// Authenticating.

/// All that a client says before its first message.
static const char words[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";

void bus_socket_greet(const BusSocket *bus) {
    send(bus->file, words, sizeof words - 1, MSG_NOSIGNAL);
}

/// Returns true if the answer is, as far as it has come, that of a bus which lets this process in.
/// `guid` is the bus's id once the answer is whole, up to `*guid_length`; null before that.
static bool lets_in(const char *answer, size_t length, const char **guid, size_t *guid_length) {
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

KeyringOutcome bus_socket_expect(Keyring *keyring, const BusSocket *bus, const char *guid,
                                 size_t length) {
    if (bus->guid[0] == '\0' ||
        (strlen(bus->guid) == length && strncasecmp(bus->guid, guid, length) == 0))
        return KeyringOutcomeDone;
    return keyring_fail(keyring, KeyringOutcomeRefused,
                        "another bus listens there than the one that the address names: "
                        "its guid differs");
}

KeyringOutcome bus_socket_enter(Keyring *keyring, const BusSocket *bus) {
    const int64_t deadline = now() + CONNECT_MILLISECONDS * 1000;
    char answer[128];
    size_t length = 0, guid_length = 0;
    const char *guid = NULL;
    while (guid == NULL) {
        const int64_t left = deadline - now();
        struct pollfd poller = {.fd = bus->file, .events = POLLIN};
        const int count = left > 0 ? poll(&poller, 1, (int)(left / 1000) + 1) : 0;
        if (count < 0 && errno == EINTR)
            continue;
        if (count == 0)
            return keyring_fail(keyring, KeyringOutcomeTimedOut,
                                "the session bus did not answer");
        const ssize_t taken =
            count < 0 ? -1 : recv(bus->file, answer + length, sizeof answer - length, 0);
        if (taken < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (taken <= 0)
            return KeyringOutcomeFailed;
        length += (size_t)taken;
        if (!lets_in(answer, length, &guid, &guid_length) ||
            (guid == NULL && length == sizeof answer))
            return KeyringOutcomeFailed;
    }
    return bus_socket_expect(keyring, bus, guid, guid_length);
}
