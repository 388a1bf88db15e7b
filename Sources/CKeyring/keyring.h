/// What the files of CKeyring share: the connection, and calls in flight on it.

#ifndef KEYFOB_KEYRING_H
#define KEYFOB_KEYRING_H

#include "CKeyring.h"
#include "library.h"

#define SERVICE_NAME "org.freedesktop.secrets"
#define SERVICE_PATH "/org/freedesktop/secrets"
#define SERVICE_INTERFACE "org.freedesktop.Secret.Service"
#define COLLECTION_INTERFACE "org.freedesktop.Secret.Collection"
#define ITEM_INTERFACE "org.freedesktop.Secret.Item"
#define PROMPT_INTERFACE "org.freedesktop.Secret.Prompt"
#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"
#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

enum {
    CONNECT_MILLISECONDS = 2000,
    START_MILLISECONDS = 10000,
    CALL_MILLISECONDS = 5000,
    SESSION_ATTEMPTS = 3,
    REASON_SIZE = 512,
};

struct Keyring {
    GMainContext *context;
    GDBusConnection *connection;
    /// The provider's unique name: whatever takes its place later is not the one we talked to.
    char *provider;
    /// Holds the session, once one is open or being opened.
    SecretService *service;
    /// The session that is being opened; null if none is.
    struct Opening *opening;
    char reason[REASON_SIZE];
};

/// A method call and, once it has landed, its reply or its error.
typedef struct Call {
    size_t *pending;
    GVariant *reply;
    GError *error;
} Call;

/// Sends a call. Its arguments are consumed. `pending` counts the calls that have not landed.
void call_send(Keyring *keyring, Call *call, size_t *pending, const char *destination,
               const char *path, const char *interface, const char *method, GVariant *arguments,
               int milliseconds);

/// Waits until every call has landed.
void calls_land(Keyring *keyring, const size_t *pending);

/// Waits until so many calls, at most, have not landed.
void calls_land_until(Keyring *keyring, const size_t *pending, size_t left);

/// The outcome of a call that has landed; its reply must be of the type. The reply stays the
/// caller's, to be given to call_clear; the reason is kept.
KeyringOutcome call_outcome(Keyring *keyring, const Call *call, const char *type);

/// Frees what the call brought.
void call_clear(Call *call);

/// Sends one call to the provider and waits for it.
KeyringOutcome call_provider(Keyring *keyring, Call *call, const char *path,
                             const char *interface, const char *method, GVariant *arguments,
                             const char *type);

/// Keeps the reason for an outcome and returns the outcome.
KeyringOutcome keyring_fail(Keyring *keyring, KeyringOutcome outcome, const char *reason);

/// The outcome of an answer that is of another type than it must be.
KeyringOutcome keyring_wrong_type(Keyring *keyring);

/// The outcome that an error of GDBus stands for. The reason is kept.
KeyringOutcome keyring_error(Keyring *keyring, const GError *error);

/// Begins to open the session, if that has not begun yet, and does not wait for it.
void keyring_begin_session(Keyring *keyring);

/// Returns when the session is open.
KeyringOutcome keyring_open_session(Keyring *keyring);

/// A copy of a prompt's or an object's path; null for "/", which stands for none.
char *path_copy(const char *path);

#endif
