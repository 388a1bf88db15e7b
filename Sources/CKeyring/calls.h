/// Method calls, and the replies to them.
///
/// GDBus reads the socket in a thread of its own, which puts the messages into the inbox; the
/// waiting thread takes them from there. GDBus's own functions for calls would do the same, but
/// need an object and two sources more for each call, and another wake-up.

#pragma once

#include "keyring.h"

enum { CALL_MILLISECONDS = 5000 };

/// Starts to take messages from the connection.
void calls_begin(Keyring *keyring);

/// Sends a call to the provider, or to the service's name while the provider is not known. Its
/// arguments are consumed. If as many calls are pending as a bus allows, it waits first.
void call_send(Keyring *keyring, Batch *batch, Call *call, const char *path,
               const char *interface, const char *method, GVariant *arguments);

/// Sends a call to the bus.
void call_send_to_bus(Keyring *keyring, Batch *batch, Call *call, const char *method,
                      GVariant *arguments, int milliseconds);

/// Waits for so many replies, for another message, or until a time (in microseconds of
/// g_get_monotonic_time; G_MAXINT64 means as long as any call may take). It may return earlier.
void calls_wait(Keyring *keyring, size_t replies, gint64 until);

/// Waits until no call of the batch is pending.
void calls_finish(Keyring *keyring, const Batch *batch);

/// Clears calls, whether they are pending or not.
void calls_cancel(Keyring *keyring, Call *calls, size_t count);

/// Returns true if there is a reply, or an error, and the provider has sent it.
bool call_is_sent_by_provider(const Keyring *keyring, const Call *call);

/// Returns the name of the error that is the reply; null if the reply is no error.
const char *call_error(const Call *call);

/// Returns the outcome of a call that is no longer pending, whose reply must be of this type.
KeyringOutcome call_outcome(Keyring *keyring, const Call *call, const char *type);

/// Sends one call to the provider and waits for it. The body of its reply is that of keyring->call.
KeyringOutcome call_and_wait(Keyring *keyring, const char *path, const char *interface,
                             const char *method, GVariant *arguments, const char *type);

/// Sends one call about a name to the bus, and waits for it in the same way.
KeyringOutcome call_bus_and_wait(Keyring *keyring, const char *method, const char *name,
                                 const char *type);

/// Frees the call's reply.
void call_clear(Call *call);

/// Returns the outcome of a reply that does not have the type that it must have.
KeyringOutcome fail_wrong_type(Keyring *keyring);

/// Returns the outcome that corresponds to an error of libsecret's.
KeyringOutcome fail_with_error(Keyring *keyring, const GError *error);
