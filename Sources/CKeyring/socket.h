/// The socket of the session bus.
///
/// A bus is reached at a unix socket alone, since only there the kernel says who listens: it must be
/// this user or root. Another user may take the place of a bus that is gone, at a path or a name that
/// others may use too, and would be given the secrets otherwise. So nothing is sent before that is
/// known, and GLib, which connects without a look, never opens a socket of its own.
///
/// Nothing here needs GLib: without a bus it does not matter whether that can be opened.

#pragma once

#include "address.h"
#include "outcome.h"

enum { CONNECT_MILLISECONDS = 2000 };

/// A socket at which a bus of this user's, or of root's, listens.
typedef struct BusSocket {
    int file;
    /// The id that the bus must have; empty where its address names none.
    char guid[GUID_SIZE + 1];
} BusSocket;

/// Connects to the first place in an address at which this user or root listens, and sends
/// nothing. Absent only if nobody listens at any of them.
KeyringOutcome socket_open(const char *address, BusSocket *bus, char *reason);

/// Sends all that a client says before its first message, and does not wait. Where it cannot be sent
/// there is no answer.
void socket_begin_authentication(const BusSocket *bus);

/// Returns when the bus has let this process in; nothing that comes after that has been read.
/// Failed, without a reason, where the bus wants another proof of who this is.
KeyringOutcome socket_finish_authentication(const BusSocket *bus, char *reason);

/// Done if this is the id that the bus must have.
KeyringOutcome socket_check_guid(const BusSocket *bus, const char *guid, size_t length,
                                 char *reason);
