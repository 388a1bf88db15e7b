/// The session in which libsecret encrypts the secrets that go over the bus.
///
/// A SecretService finds its own connection and its own provider. Ours is told both, and reads no
/// property: it is there for the session only. Its class sets that after libsecret's constructor,
/// which overwrites what the caller asked for.

#include "keyring.h"

#include <pthread.h>
#include <string.h>

typedef struct Opening {
    GError *error;
    bool landed;
} Opening;

static gpointer parent_class;

static GObject *construct(GType type, guint count, GObjectConstructParam *properties) {
    GObject *service = ((GObjectClass *)parent_class)->constructor(type, count, properties);
    library.g_object_set(service, "g-bus-type", (int)G_BUS_TYPE_NONE, "g-flags",
                         (int)(G_DBUS_PROXY_FLAGS_DO_NOT_LOAD_PROPERTIES |
                               G_DBUS_PROXY_FLAGS_DO_NOT_CONNECT_SIGNALS |
                               G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START),
                         NULL);
    for (guint index = 0; index < count; index++)
        if (strcmp(properties[index].pspec->name, "g-name") == 0)
            library.g_object_set_property(service, "g-name", properties[index].value);
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
    Opening *opening = data;
    library.secret_service_ensure_session_finish((SecretService *)service, result,
                                                 &opening->error);
    opening->landed = true;
}

void keyring_drop_session(Keyring *keyring) {
    if (keyring->service != NULL)
        library.g_object_unref(keyring->service);
    keyring->service = NULL;
}

static KeyringOutcome open_session(Keyring *keyring) {
    Opening opening = {0};
    library.g_main_context_push_thread_default(keyring->context);
    keyring->service = library.g_initable_new(
        session_type(), NULL, &opening.error, "g-connection", keyring->connection, "g-name",
        keyring->provider, "g-default-timeout", (int)CALL_MILLISECONDS, NULL);
    if (keyring->service != NULL) {
        library.secret_service_ensure_session(keyring->service, NULL, on_session, &opening);
        while (!opening.landed)
            library.g_main_context_iteration(keyring->context, TRUE);
    }
    library.g_main_context_pop_thread_default(keyring->context);
    if (opening.error == NULL)
        return KeyringOutcomeDone;
    const KeyringOutcome outcome = keyring_error(keyring, opening.error);
    library.g_error_free(opening.error);
    keyring_drop_session(keyring);
    return outcome;
}

KeyringOutcome keyring_open_session(Keyring *keyring) {
    if (keyring->service != NULL)
        return KeyringOutcomeDone;
    // KWallet refuses one key in 256, the one that is a byte shorter than the others.
    KeyringOutcome outcome = KeyringOutcomeFailed;
    for (int attempt = 0; attempt < SESSION_ATTEMPTS && outcome == KeyringOutcomeFailed; attempt++)
        outcome = open_session(keyring);
    return outcome;
}
