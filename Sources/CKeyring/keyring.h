/// The connection to the bus and to the provider of the Secret Service.
///
/// The files, each of which uses those above it: outcome; library, address, socket; calls;
/// provider, session, variant; connection; search, items, changes, collections, prompt.

#pragma once

#include "library.h"

#include <stdatomic.h>

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
    /// How often something is done that fails where a provider is known to do it wrong now and then.
    ATTEMPTS = 3,
};

/// What the connection's thread and the waiting one share. It lives as long as the connection.
typedef struct Inbox {
    GMainContext *context;
    GAsyncQueue *replies;
    /// Signals, as long as they are not taken.
    GAsyncQueue *signals;
    /// How many replies have come, ever.
    atomic_size_t received;
    /// The waiting thread is woken when so many have come.
    atomic_size_t wake_at;
    /// A message of libsecret's that is not sent yet, or null (session.c).
    _Atomic(GDBusMessage *) held;
} Inbox;

/// Calls that are sent and waited for together.
typedef struct Batch {
    size_t pending;
    /// Whether one of them got no reply: no more of them are sent.
    bool is_cut_short;
} Batch;

typedef enum CallState {
    CallUnsent,
    CallPending,
    CallReturned,
    /// Answered with an error.
    CallRefused,
    CallTimedOut,
    /// The connection was closed before there was a reply.
    CallDisconnected,
} CallState;

/// A method call and, once that has come, the reply.
typedef struct Call {
    CallState state;
    Batch *batch;
    guint32 serial;
    /// In microseconds of g_get_monotonic_time.
    gint64 deadline;
    GDBusMessage *reply;
    /// What the reply says, as long as it is kept; null if that is nothing.
    GVariant *body;
    struct Call *next;
} Call;

struct Keyring {
    char reason[REASON_SIZE];
    /// What waits: GLib's part of it, and what has come (calls.c).
    GMainContext *context;
    GSource *timer;
    gint64 timer_time;
    GDBusConnection *connection;
    Inbox *inbox;
    /// How many replies have been taken from the inbox.
    size_t replies;
    /// The calls that are pending, as they were sent, and where the next one is put.
    Call *first;
    Call **last;
    /// The last call that was made for itself, whose reply is kept until the next.
    Call call;

    /// The questions who the provider is (provider.c).
    Call lookup[3];
    Batch lookup_batch;
    /// The provider's unique name, once it has been found: a provider that takes its place later
    /// is not the one we talked to.
    char *provider;
    bool is_gnome_keyring;
    /// Whether the provider may be sent more than searches.
    bool is_known;

    /// Holds the session, once one is open or being opened (session.c).
    SecretService *service;
    /// Cancels the session that is being opened; null if none is.
    GCancellable *opening;
    GError *opening_error;
    bool is_opened;
    bool holds_messages;
    /// Whether the bus sends what ends a prompt (prompt.c).
    bool is_subscribed;
};
