/// The socket of the session bus.
///
/// A bus is used only at a unix socket, since only there the kernel identifies the user of the
/// listening process: it must be this user or root. Another user could take the place of a bus that
/// is gone, at a path or a name that others may use too, and would then receive the secrets. So
/// nothing is sent before the listener is known, and GLib, which connects without that check, never
/// opens a socket of its own.
///
/// Nothing here needs GLib: without a bus it does not matter if GLib can be opened.

#pragma once

#include "address.h"
#include "outcome.h"

enum { CONNECT_MILLISECONDS = 2000 };

/// A socket on which a bus of this user, or of root, listens.
typedef struct BusSocket {
    int file;
    /// The id that the bus must have; empty if its address names none.
    char guid[GUID_SIZE + 1];
} BusSocket;

/// Connects to the first endpoint of an address on which this user or root listens, and sends
/// nothing. The outcome is absent only if no process listens on any of them.
KeyringOutcome socket_open(const char *address, BusSocket *bus, char *reason);

/// Sends everything that a client sends before its first message, and does not wait. An error shows
/// later, as a missing answer.
void socket_begin_authentication(const BusSocket *bus);

/// Waits until the bus has let this process in, and reads no byte beyond that. The outcome is
/// failed, without a reason, if the bus wants another proof of identity.
KeyringOutcome socket_finish_authentication(const BusSocket *bus, char *reason);

/// The outcome is done if this is the id that the bus must have.
KeyringOutcome socket_check_guid(const BusSocket *bus, const char *guid, size_t length,
                                 char *reason);
