/// Method calls, and the replies to them.
///
/// GDBus reads the socket in a thread of its own, which puts what comes into the inbox; the thread
/// that waits takes it from there. GDBus's own calls come to the same, with an object and two
/// sources more for each, and another wake-up.

#pragma once

#include "keyring.h"

enum { CALL_MILLISECONDS = 5000 };

/// Begins to take messages from the connection.
void calls_begin(Keyring *keyring);

/// Sends a call to the provider, or to the service's name while the provider is not known. Its
/// arguments are consumed. Waits before that while as many calls are pending as a bus allows.
void call_send(Keyring *keyring, Batch *batch, Call *call, const char *path,
               const char *interface, const char *method, GVariant *arguments);

/// Sends a call to the bus.
void call_send_to_bus(Keyring *keyring, Batch *batch, Call *call, const char *method,
                      GVariant *arguments, int milliseconds);

/// Waits until so many replies have come, or something else, or the time has (in microseconds of
/// g_get_monotonic_time; G_MAXINT64 is as long as any call may take). It may return before that.
void calls_wait(Keyring *keyring, size_t replies, gint64 until);

/// Waits until no call of the batch is pending.
void calls_finish(Keyring *keyring, const Batch *batch);

/// Clears calls, pending or not.
void calls_cancel(Keyring *keyring, Call *calls, size_t count);

/// Whether there is a reply, or an error, which the provider has sent.
bool call_is_sent_by_provider(const Keyring *keyring, const Call *call);

/// The name of the error it was answered with; null if it was not.
const char *call_error(const Call *call);

/// The outcome of a call that is not pending any more, whose reply must be of the type.
KeyringOutcome call_outcome(Keyring *keyring, const Call *call, const char *type);

/// Sends one call to the provider and waits for it. What it brings is the body of keyring->call.
KeyringOutcome call_and_wait(Keyring *keyring, const char *path, const char *interface,
                             const char *method, GVariant *arguments, const char *type);

/// Sends one call to the bus, about a name, and waits for it, likewise.
KeyringOutcome call_bus_and_wait(Keyring *keyring, const char *method, const char *name,
                                 const char *type);

/// Frees what the call brought.
void call_clear(Call *call);

/// The outcome of an answer that is of another type than it must be.
KeyringOutcome fail_wrong_type(Keyring *keyring);

/// The outcome that an error of libsecret's stands for.
KeyringOutcome fail_with_error(Keyring *keyring, const GError *error);
