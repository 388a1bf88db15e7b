/// The address of a bus (D-Bus specification, "Server Addresses").

#pragma once

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    /// The length of an id in hexadecimal (D-Bus specification, "UUIDs").
    GUID_SIZE = 32,
};

/// One of the endpoints that an address names.
typedef struct Endpoint {
    struct sockaddr_un name;
    /// The length of the name; 0 if the endpoint is no unix socket.
    socklen_t length;
    /// The id that the bus there must have; empty if the address names none.
    char guid[GUID_SIZE + 1];
} Endpoint;

/// Reads the first endpoint of an address. Returns its end, a semicolon or the NUL; null if it is
/// malformed.
const char *address_read(const char *text, Endpoint *endpoint);
