/// The socket of a bus on this machine, which nearly every session bus is.
///
/// GLib connects to any address and authenticates in every way there is, in five round trips and
/// with two threads. Here it is one: a client may say all its lines at once, as systemd's sd-bus does
/// (D-Bus specification, "Authentication Protocol"; EXTERNAL without an identity is whoever the
/// kernel says is at the other end, also where user namespaces number users differently).

#include "keyring.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int digit(char character) {
    if (character >= '0' && character <= '9')
        return character - '0';
    const char lower = (char)(character | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Takes the value that begins here, up to a comma or the end, with its escapes resolved. Returns
/// what follows it; null where it does not fit or is malformed.
static const char *take_value(const char *text, char *value, size_t size, size_t *length) {
    *length = 0;
    while (*text != ',' && *text != '\0') {
        if (*text == ';' || *length == size)
            return NULL;
        char byte = *text;
        if (byte == '%') {
            const int high = digit(text[1]);
            const int low = high < 0 ? -1 : digit(text[2]);
            if (low < 0)
                return NULL;
            byte = (char)(high << 4 | low);
            text += 2;
        }
        value[(*length)++] = byte;
        text += 1;
    }
    return text;
}

static bool take_prefix(const char **text, const char *prefix) {
    const size_t length = strlen(prefix);
    if (strncmp(*text, prefix, length) != 0)
        return false;
    *text += length;
    return true;
}

/// The socket's address, and its length; 0 where this is anything but one socket on this machine.
static socklen_t parse(const char *address, struct sockaddr_un *socket) {
    *socket = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (!take_prefix(&address, "unix:"))
        return 0;
    // A path ends in NUL, and the name of an abstract socket begins with one.
    size_t length = 0, start;
    if (take_prefix(&address, "path="))
        start = 0;
    else if (take_prefix(&address, "abstract="))
        start = 1;
    else
        return 0;
    address = take_value(address, socket->sun_path + start, sizeof socket->sun_path - 1, &length);
    if (address == NULL || length == 0)
        return 0;
    char guid[64];
    size_t guid_length;
    if (take_prefix(&address, ",guid=")) {
        address = take_value(address, guid, sizeof guid, &guid_length);
        if (address == NULL)
            return 0;
    }
    if (*address != '\0' || memchr(socket->sun_path + start, '\0', length) != NULL)
        return 0;
    // Of a path the NUL counts.
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

/// Whether the answer is, as far as it has come, that of a bus which lets this process in;
/// `is_whole` once it has come to its end.
static bool lets_in(const char *answer, size_t length, bool *is_whole) {
    static const char expected[] = "DATA\r\nOK ";
    const size_t known = sizeof expected - 1;
    const char *end = length > known ? memchr(answer + known, '\n', length - known) : NULL;
    *is_whole = end == answer + length - 1 && end != NULL;
    return memcmp(answer, expected, length < known ? length : known) == 0 &&
           (end == NULL || *is_whole);
}

/// All that a client says before its first message.
static const char words[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";

KeyringOutcome bus_socket_open(const char *address, int milliseconds, int *opened) {
    struct sockaddr_un name;
    const socklen_t length = parse(address, &name);
    if (length == 0)
        return KeyringOutcomeFailed;
    const int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0)
        return KeyringOutcomeFailed;
    // A listener that accepts nobody lets one wait until there is room.
    const struct timeval patience = {.tv_sec = milliseconds / 1000,
                                     .tv_usec = milliseconds % 1000 * 1000};
    setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    KeyringOutcome outcome = KeyringOutcomeFailed;
    if (connect(file, (struct sockaddr *)&name, length) != 0) {
        if (errno == EAGAIN)
            outcome = KeyringOutcomeTimedOut;
        else if (errno == ENOENT || errno == ENOTDIR || errno == ECONNREFUSED)
            outcome = KeyringOutcomeAbsent;
    } else if (send(file, words, sizeof words - 1, MSG_NOSIGNAL) == sizeof words - 1) {
        *opened = file;
        return KeyringOutcomeDone;
    }
    close(file);
    return outcome;
}

KeyringOutcome bus_socket_enter(int file, int milliseconds) {
    const gint64 deadline = library.g_get_monotonic_time() + (gint64)milliseconds * 1000;
    char answer[128];
    size_t length = 0;
    bool is_whole = false;
    while (!is_whole) {
        const gint64 left = deadline - library.g_get_monotonic_time();
        struct pollfd poller = {.fd = file, .events = POLLIN};
        const int count = left > 0 ? poll(&poller, 1, (int)(left / 1000) + 1) : 0;
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return count == 0 ? KeyringOutcomeTimedOut : KeyringOutcomeFailed;
        const ssize_t taken = recv(file, answer + length, sizeof answer - length, 0);
        if (taken <= 0)
            return KeyringOutcomeFailed;
        length += (size_t)taken;
        if (!lets_in(answer, length, &is_whole) || (!is_whole && length == sizeof answer))
            return KeyringOutcomeFailed;
    }
    return KeyringOutcomeDone;
}
