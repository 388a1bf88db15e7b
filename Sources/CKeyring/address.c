#include "address.h"

#include <stdbool.h>
#include <string.h>

static int digit(char character) {
    if (character >= '0' && character <= '9')
        return character - '0';
    const char lower = (char)(character | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool is_end(char character) { return character == ';' || character == '\0'; }

/// Reads the value that begins here, up to a comma or the end, and decodes its escapes. Returns the
/// text after it; null if it does not fit, is empty or malformed, or contains a NUL.
static const char *read_value(const char *text, char *value, size_t size, size_t *length) {
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

static bool skip(const char **text, const char *prefix) {
    const size_t length = strlen(prefix);
    if (strncmp(*text, prefix, length) != 0)
        return false;
    *text += length;
    return true;
}

/// Reads one pair of a key and a value. A key that a client does not need is skipped.
static const char *read_pair(const char *text, Endpoint *endpoint) {
    size_t length;
    const bool is_path = skip(&text, "path=");
    if (is_path || skip(&text, "abstract=")) {
        if (endpoint->length > 0)
            return NULL;
        // A path ends in NUL, which counts, and the name of an abstract socket begins with one.
        text = read_value(text, endpoint->name.sun_path + (is_path ? 0 : 1),
                          sizeof endpoint->name.sun_path - 1, &length);
        endpoint->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
        return text;
    }
    if (skip(&text, "guid="))
        return endpoint->guid[0] == '\0' ? read_value(text, endpoint->guid, GUID_SIZE, &length)
                                         : NULL;
    const size_t name = strcspn(text, "=,;");
    char value[256];
    return name > 0 && text[name] == '=' ? read_value(text + name + 1, value, sizeof value, &length)
                                         : NULL;
}

const char *address_read(const char *text, Endpoint *endpoint) {
    *endpoint = (Endpoint){.name = {.sun_family = AF_UNIX}};
    if (!skip(&text, "unix:")) {
        const size_t transport = strcspn(text, ":;");
        return transport > 0 && text[transport] == ':' ? text + strcspn(text, ";") : NULL;
    }
    for (;;) {
        text = read_pair(text, endpoint);
        if (text == NULL || is_end(*text))
            return endpoint->length > 0 ? text : NULL;
        text += 1;
    }
}
