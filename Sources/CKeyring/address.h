/// The address of a bus (D-Bus specification, "Server Addresses").

#pragma once

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    /// In hexadecimal (D-Bus specification, "UUIDs").
    GUID_SIZE = 32,
};

/// One of the places that an address names.
typedef struct Endpoint {
    struct sockaddr_un name;
    /// The length of the name; 0 where the place is no unix socket.
    socklen_t length;
    /// The id that the bus there must have; empty where none is named.
    char guid[GUID_SIZE + 1];
} Endpoint;

/// Reads the first place of an address. Returns its end, a semicolon or the NUL; null where it is
/// malformed.
const char *address_read(const char *text, Endpoint *endpoint);
