#include "session.h"

#include "calls.h"

#include <pthread.h>

// The class.

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
    // A type can be registered only once in a process, by any thread.
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_type);
    return registered;
}

// The message that is held.

static void hold(Inbox *inbox, GDBusMessage *message) {
    GDBusMessage *earlier = atomic_exchange(&inbox->held, message);
    if (earlier != NULL)
        library.g_object_unref(earlier);
}

/// GDBus's thread calls this.
static GDBusMessage *on_message(GDBusConnection *connection, GDBusMessage *message,
                                gboolean incoming, gpointer data) {
    Inbox *inbox = data;
    if (incoming || library.g_dbus_message_get_destination(message) != NULL)
        return message;
    hold(inbox, message);
    library.g_main_context_wakeup(inbox->context);
    return NULL;
}

void session_send_held(Keyring *keyring) {
    if (!keyring->is_known)
        return;
    GDBusMessage *held = atomic_exchange(&keyring->inbox->held, NULL);
    if (held == NULL)
        return;
    // The copy can be changed, and keeps the serial number to which the reply refers.
    GDBusMessage *message = library.g_dbus_message_copy(held, NULL);
    library.g_object_unref(held);
    library.g_dbus_message_set_destination(message, keyring->provider);
    library.g_dbus_message_set_flags(message, G_DBUS_MESSAGE_FLAGS_NO_AUTO_START);
    library.g_dbus_connection_send_message(keyring->connection, message,
                                           G_DBUS_SEND_MESSAGE_FLAGS_PRESERVE_SERIAL, NULL, NULL);
    library.g_object_unref(message);
}

// The session.

static void on_session(GObject *service, GAsyncResult *result, gpointer data) {
    Keyring *keyring = data;
    library.secret_service_ensure_session_finish((SecretService *)service, result,
                                                 &keyring->opening_error);
    keyring->is_opened = true;
}

void keyring_begin_session(Keyring *keyring) {
    if (keyring->service != NULL || keyring->opening != NULL)
        return;
    if (!keyring->holds_messages)
        library.g_dbus_connection_add_filter(keyring->connection, on_message, keyring->inbox, NULL);
    keyring->holds_messages = true;
    keyring->opening = library.g_cancellable_new();
    keyring->opening_error = NULL;
    library.g_main_context_push_thread_default(keyring->context);
    keyring->service = library.g_initable_new(
        session_type(), NULL, &keyring->opening_error, "g-connection", keyring->connection,
        "g-default-timeout", G_MAXINT, NULL);
    keyring->is_opened = keyring->service == NULL;
    if (keyring->service != NULL)
        library.secret_service_ensure_session(keyring->service, keyring->opening, on_session,
                                              keyring);
    library.g_main_context_pop_thread_default(keyring->context);
}

/// Waits for the session that is being opened, and returns its error, or null. The caller frees it.
static GError *finish_opening(Keyring *keyring) {
    gint64 deadline = library.g_get_monotonic_time() + (gint64)CALL_MILLISECONDS * 1000;
    while (!keyring->is_opened) {
        session_send_held(keyring);
        calls_wait(keyring, 1, deadline);
        if (library.g_get_monotonic_time() >= deadline) {
            library.g_cancellable_cancel(keyring->opening);
            deadline = G_MAXINT64;
        }
    }
    library.g_object_unref(keyring->opening);
    keyring->opening = NULL;
    return keyring->opening_error;
}

void keyring_drop_session(Keyring *keyring) {
    if (keyring->opening != NULL) {
        library.g_cancellable_cancel(keyring->opening);
        GError *error = finish_opening(keyring);
        if (error != NULL)
            library.g_error_free(error);
        hold(keyring->inbox, NULL);
    }
    if (keyring->service != NULL)
        library.g_object_unref(keyring->service);
    keyring->service = NULL;
}

KeyringOutcome session_open(Keyring *keyring) {
    if (keyring->service != NULL && keyring->opening == NULL)
        return KeyringOutcomeDone;
    // KWallet refuses one key in 256: the one that is a byte shorter than the others.
    KeyringOutcome outcome = KeyringOutcomeFailed;
    for (int attempt = 0; attempt < ATTEMPTS && outcome == KeyringOutcomeFailed; attempt++) {
        keyring_begin_session(keyring);
        GError *error = finish_opening(keyring);
        if (error == NULL)
            return KeyringOutcomeDone;
        outcome = fail_with_error(keyring, error);
        library.g_error_free(error);
        keyring_drop_session(keyring);
    }
    return outcome;
}
