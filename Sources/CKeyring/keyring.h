/// The connection to the bus and to the provider of the Secret Service.
///
/// The files of this module are, in this order, outcome; library, address, socket; calls; provider,
/// session, variant; connection; search, items, changes, collections, prompt. Each uses only files
/// before it.

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
    /// The number of attempts at a step that a known provider sometimes gets wrong.
    ATTEMPTS = 3,
};

/// The data that the connection's thread and the waiting thread share. It lives as long as the
/// connection.
typedef struct Inbox {
    GMainContext *context;
    GAsyncQueue *replies;
    /// The signals that have not been taken yet.
    GAsyncQueue *signals;
    /// The number of replies that have come since the connection was made.
    atomic_size_t received;
    /// The number of received replies at which the waiting thread is woken.
    atomic_size_t wake_at;
    /// A message of libsecret's that has not been sent yet, or null (session.c).
    _Atomic(GDBusMessage *) held;
} Inbox;

/// Calls that are sent and waited for together.
typedef struct Batch {
    size_t pending;
    /// True if one of them got no reply: no more calls of the batch are sent.
    bool is_cut_short;
} Batch;

typedef enum CallState {
    CallUnsent,
    CallPending,
    CallReturned,
    /// The reply was an error.
    CallRefused,
    CallTimedOut,
    /// The connection was closed before there was a reply.
    CallDisconnected,
} CallState;

/// A method call and, once it has come, its reply.
typedef struct Call {
    CallState state;
    Batch *batch;
    guint32 serial;
    /// The deadline, in microseconds of g_get_monotonic_time.
    gint64 deadline;
    GDBusMessage *reply;
    /// The body of the reply, which is valid as long as the reply; null if it has none.
    GVariant *body;
    struct Call *next;
} Call;

struct Keyring {
    char reason[REASON_SIZE];
    /// The main context and the timer that calls are waited for with, and the messages that have
    /// come (calls.c).
    GMainContext *context;
    GSource *timer;
    gint64 timer_time;
    GDBusConnection *connection;
    Inbox *inbox;
    /// The number of replies that have been taken from the inbox.
    size_t replies;
    /// The pending calls, in the order in which they were sent, and the place of the next one.
    Call *first;
    Call **last;
    /// The number of pending calls.
    size_t pending;
    /// The last call that was made on its own. Its reply is kept until the next one.
    Call call;

    /// The calls that identify the provider (provider.c).
    Call lookup[3];
    Batch lookup_batch;
    /// The provider's unique name, once it has been found: a provider that takes its place later
    /// has another one.
    char *provider;
    bool is_gnome_keyring;
    /// True if the provider may be sent calls other than searches.
    bool is_known;

    /// The holder of the session that is open or being opened (session.c); null if there is none.
    SecretService *service;
    /// Cancels the opening of the session; null if none is being opened.
    GCancellable *opening;
    GError *opening_error;
    bool is_opened;
    bool holds_messages;
    /// True if the bus sends the signals that end a prompt (prompt.c).
    bool is_subscribed;
};
