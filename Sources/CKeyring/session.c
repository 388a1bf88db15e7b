/// The session in which libsecret encrypts the secrets that go over the bus.
///
/// A SecretService finds its own connection and its own provider. Ours is told its connection, has
/// the provider at the other end of it (calls.c says how), and reads no property: it is there
/// for the session only. Its class sets that after libsecret's constructor, which overwrites what
/// the caller asked for.

#include "keyring.h"

#include <pthread.h>
#include <stdlib.h>

struct Opening {
    GCancellable *cancellable;
    GError *error;
    bool landed;
};

static gpointer parent_class;

static GObject *construct(GType type, guint count, GObjectConstructParam *properties) {
    GObject *service = ((GObjectClass *)parent_class)->constructor(type, count, properties);
    library.g_object_set(service, "g-bus-type", (int)G_BUS_TYPE_NONE, "g-flags",
                         (int)(G_DBUS_PROXY_FLAGS_DO_NOT_LOAD_PROPERTIES |
                               G_DBUS_PROXY_FLAGS_DO_NOT_CONNECT_SIGNALS |
                               G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START),
                         "g-name", NULL, NULL);
    return service;
}

static void initialize_class(gpointer class, gpointer data) {
    (void)data;
    parent_class = library.g_type_class_peek_parent(class);
    ((GObjectClass *)class)->constructor = construct;
}

static GType registered;

static void register_type(void) {
    registered = library.g_type_register_static_simple(
        library.secret_service_get_type(), "KeyfobSecretService",
        (guint)sizeof(SecretServiceClass), initialize_class, (guint)sizeof(SecretService), NULL,
        0);
}

static GType session_type(void) {
    // A type can be registered once only, whichever thread is first.
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_type);
    return registered;
}

static void on_session(GObject *service, GAsyncResult *result, gpointer data) {
    struct Opening *opening = data;
    library.secret_service_ensure_session_finish((SecretService *)service, result,
                                                 &opening->error);
    opening->landed = true;
}

void keyring_begin_session(Keyring *keyring) {
    if (keyring->service != NULL || keyring->opening != NULL)
        return;
    struct Opening *opening = calloc(1, sizeof *opening);
    if (opening == NULL)
        abort();
    opening->cancellable = library.g_cancellable_new();
    keyring->opening = opening;
    library.g_main_context_push_thread_default(keyring->context);
    keyring->service = library.g_initable_new(
        session_type(), NULL, &opening->error, "g-connection", keyring->connection,
        "g-default-timeout", G_MAXINT, NULL);
    if (keyring->service != NULL)
        library.secret_service_ensure_session(keyring->service, opening->cancellable, on_session,
                                              opening);
    else
        opening->landed = true;
    library.g_main_context_pop_thread_default(keyring->context);
}

/// Waits for the session that is being opened, and gives the error, if any, to the caller.
static GError *land_session(Keyring *keyring) {
    struct Opening *opening = keyring->opening;
    gint64 deadline = library.g_get_monotonic_time() + (gint64)CALL_MILLISECONDS * 1000;
    while (!opening->landed) {
        calls_wait(keyring, 1, deadline);
        if (library.g_get_monotonic_time() >= deadline) {
            library.g_cancellable_cancel(opening->cancellable);
            deadline = G_MAXINT64;
        }
    }
    GError *error = opening->error;
    library.g_object_unref(opening->cancellable);
    free(opening);
    keyring->opening = NULL;
    return error;
}

void keyring_drop_session(Keyring *keyring) {
    if (keyring->opening != NULL) {
        library.g_cancellable_cancel(keyring->opening->cancellable);
        GError *error = land_session(keyring);
        if (error != NULL)
            library.g_error_free(error);
        calls_drop_request(keyring);
    }
    if (keyring->service != NULL)
        library.g_object_unref(keyring->service);
    keyring->service = NULL;
}

static KeyringOutcome finish_session(Keyring *keyring) {
    GError *error = land_session(keyring);
    if (error == NULL)
        return KeyringOutcomeDone;
    const KeyringOutcome outcome = keyring_error(keyring, error);
    library.g_error_free(error);
    keyring_drop_session(keyring);
    return outcome;
}

KeyringOutcome keyring_open_session(Keyring *keyring) {
    if (keyring->service != NULL && keyring->opening == NULL)
        return KeyringOutcomeDone;
    // KWallet refuses one key in 256, the one that is a byte shorter than the others.
    KeyringOutcome outcome = KeyringOutcomeFailed;
    for (int attempt = 0; attempt < SESSION_ATTEMPTS && outcome == KeyringOutcomeFailed;
         attempt++) {
        keyring_begin_session(keyring);
        outcome = finish_session(keyring);
    }
    return outcome;
}
