/// The connection to the bus.
///
/// GDBus is not told that the other end is a bus. Otherwise it would send Hello itself, wait 25 s
/// for the reply, even if cancelled (GLib 2.74), and subscribe to changes of names, which are not
/// needed.

#include "calls.h"
#include "provider.h"
#include "socket.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// Returns the stream of a socket, which then owns the socket; null if there is none.
static GIOStream *stream_of(Keyring *keyring, int file) {
    GError *error = NULL;
    GSocket *socket = library.g_socket_new_from_fd(file, &error);
    if (socket == NULL) {
        close(file);
        fail(keyring->reason, KeyringOutcomeFailed, "%s", error->message);
        library.g_error_free(error);
        return NULL;
    }
    GSocketConnection *stream = library.g_socket_connection_factory_create_connection(socket);
    library.g_object_unref(socket);
    return (GIOStream *)stream;
}

/// Finishes the authentication in one round trip, which has begun. The outcome is failed if the bus
/// may still accept GLib's authentication.
static KeyringOutcome authenticate_at_once(Keyring *keyring, const BusSocket *bus) {
    GIOStream *stream = stream_of(keyring, bus->file);
    if (stream == NULL)
        return KeyringOutcomeFailed;
    KeyringOutcome outcome = socket_finish_authentication(bus, keyring->reason);
    if (outcome == KeyringOutcomeDone) {
        // GDBus's thread reads from the start, and keeps the messages until they are to be
        // processed.
        keyring->connection = library.g_dbus_connection_new_sync(
            stream, NULL, G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING, NULL, NULL, NULL);
        if (keyring->connection == NULL)
            outcome = KeyringOutcomeFailed;
    }
    library.g_object_unref(stream);
    return outcome;
}

typedef struct Authentication {
    GDBusConnection *connection;
    GError *error;
    bool is_done;
} Authentication;

static void on_authenticated(GObject *source, GAsyncResult *result, gpointer data) {
    Authentication *authentication = data;
    authentication->connection =
        library.g_dbus_connection_new_finish(result, &authentication->error);
    authentication->is_done = true;
}

/// Returns the outcome of an authentication that GLib could not complete.
static KeyringOutcome fail_to_authenticate(Keyring *keyring, const GError *error) {
    const bool is_io_error = error->domain == library.g_io_error_quark();
    switch (is_io_error ? error->code : -1) {
    case G_IO_ERROR_CANCELLED:
    case G_IO_ERROR_TIMED_OUT:
        return fail(keyring->reason, KeyringOutcomeTimedOut, "the session bus did not answer");
    case G_IO_ERROR_PERMISSION_DENIED:
    case G_IO_ERROR_CLOSED:
    case G_IO_ERROR_CONNECTION_CLOSED:
    case G_IO_ERROR_FAILED:
        // A bus that does not know this user hangs up during the authentication.
        return fail(keyring->reason, KeyringOutcomeRefused,
                    "the session bus refused the authentication");
    }
    return fail(keyring->reason, KeyringOutcomeFailed, "%s", error->message);
}

/// Lets GLib authenticate in every way that it knows, in threads that it starts for that.
static KeyringOutcome authenticate_in_any_way(Keyring *keyring, const BusSocket *bus) {
    GIOStream *stream = stream_of(keyring, bus->file);
    if (stream == NULL)
        return KeyringOutcomeFailed;
    Authentication authentication = {0};
    GCancellable *cancellable = library.g_cancellable_new();
    const gint64 deadline = library.g_get_monotonic_time() + CONNECT_MILLISECONDS * 1000;
    library.g_source_set_ready_time(keyring->timer, deadline);
    library.g_dbus_connection_new(stream, NULL,
                                  G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                      G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
                                  NULL, cancellable, on_authenticated, &authentication);
    while (!authentication.is_done) {
        library.g_main_context_iteration(keyring->context, TRUE);
        if (library.g_get_monotonic_time() >= deadline)
            library.g_cancellable_cancel(cancellable);
    }
    library.g_object_unref(cancellable);
    library.g_object_unref(stream);
    keyring->connection = authentication.connection;
    if (keyring->connection == NULL) {
        const KeyringOutcome outcome = fail_to_authenticate(keyring, authentication.error);
        library.g_error_free(authentication.error);
        return outcome;
    }
    const char *guid = library.g_dbus_connection_get_guid(keyring->connection);
    return socket_check_guid(bus, guid, guid != NULL ? strlen(guid) : 0, keyring->reason);
}

static gboolean on_timer(GSource *source, GSourceFunc callback, gpointer data) {
    return G_SOURCE_CONTINUE;
}

/// Makes the main context and the timer that calls are waited for with.
static void make_context(Keyring *keyring) {
    static GSourceFuncs timer_functions = {.dispatch = on_timer};
    keyring->context = library.g_main_context_new();
    keyring->timer = library.g_source_new(&timer_functions, (guint)sizeof(GSource));
    keyring->timer_time = G_MAXINT64;
    library.g_source_attach(keyring->timer, keyring->context);
}

static KeyringOutcome connect_to_bus(Keyring *keyring, const char *address, bool for_secrets) {
    BusSocket bus;
    KeyringOutcome outcome = socket_open(address, &bus, keyring->reason);
    if (outcome != KeyringOutcomeDone)
        return outcome;
    // The libraries are opened while the bus authenticates this process, and only if there is a
    // bus.
    socket_begin_authentication(&bus);
    outcome = library_open(for_secrets, keyring->reason);
    if (outcome != KeyringOutcomeDone) {
        close(bus.file);
        return outcome;
    }
    make_context(keyring);
    library.g_main_context_push_thread_default(keyring->context);
    outcome = authenticate_at_once(keyring, &bus);
    if (outcome == KeyringOutcomeFailed) {
        outcome = socket_open(address, &bus, keyring->reason);
        if (outcome == KeyringOutcomeDone)
            outcome = authenticate_in_any_way(keyring, &bus);
    }
    library.g_main_context_pop_thread_default(keyring->context);
    if (outcome == KeyringOutcomeDone) {
        calls_begin(keyring);
        provider_begin_lookup(keyring);
    }
    return outcome;
}

KeyringOutcome keyring_open(const char *address, bool for_secrets, Keyring **opened) {
    Keyring *keyring = calloc(1, sizeof *keyring);
    if (keyring == NULL)
        abort();
    *opened = keyring;
    return connect_to_bus(keyring, address, for_secrets);
}

bool keyring_resume(Keyring *keyring, bool for_secrets) {
    return library_open(for_secrets, keyring->reason) == KeyringOutcomeDone &&
           keyring_provider_owns(keyring, SERVICE_NAME);
}

void keyring_close(Keyring *keyring) {
    keyring_drop_session(keyring);
    // Without a context there was no bus, and no library was opened.
    if (keyring->context != NULL) {
        library.g_source_destroy(keyring->timer);
        library.g_source_unref(keyring->timer);
        // This closes the connection, and does not wait for that.
        if (keyring->connection != NULL)
            library.g_object_unref(keyring->connection);
        call_clear(&keyring->call);
        calls_cancel(keyring, keyring->lookup, 3);
        library.g_main_context_unref(keyring->context);
    }
    free(keyring->provider);
    free(keyring);
}

const char *keyring_reason(const Keyring *keyring) { return keyring->reason; }
