/// The connection to the bus and the provider.
///
/// GDBus is not told that there is a bus at the other end: it would say Hello itself, wait 25 s for
/// the answer, cancelled or not (GLib 2.74), and subscribe to changes of names that nobody asks for.

#include "keyring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static KeyringOutcome connect_failure(Keyring *keyring, const GError *error) {
    const GQuark domain = library.g_io_error_quark();
    if (error->domain == domain) {
        switch (error->code) {
        case G_IO_ERROR_NOT_FOUND:
        case G_IO_ERROR_CONNECTION_REFUSED:
        case G_IO_ERROR_NOT_DIRECTORY:
            return keyring_fail(keyring, KeyringOutcomeAbsent, "no session bus is running");
        case G_IO_ERROR_CANCELLED:
        case G_IO_ERROR_TIMED_OUT:
            return keyring_fail(keyring, KeyringOutcomeTimedOut,
                                "the session bus did not answer");
        case G_IO_ERROR_INVALID_ARGUMENT:
            return keyring_fail(keyring, KeyringOutcomeFailed,
                                "the address of the session bus is malformed");
        case G_IO_ERROR_PERMISSION_DENIED:
            return keyring_fail(keyring, KeyringOutcomeRefused,
                                "the session bus refused the connection");
        case G_IO_ERROR_CLOSED:
        case G_IO_ERROR_CONNECTION_CLOSED:
        case G_IO_ERROR_FAILED:
            // A bus that does not know this user hangs up during the authentication.
            return keyring_fail(keyring, KeyringOutcomeRefused,
                                "the session bus refused the authentication");
        }
    }
    return keyring_fail(keyring, KeyringOutcomeFailed, error->message);
}

/// A connection, on its way.
typedef struct Connecting {
    GDBusConnection *connection;
    GError *error;
    bool landed;
} Connecting;

static void on_connected(GObject *source, GAsyncResult *result, gpointer data) {
    (void)source;
    Connecting *connecting = data;
    connecting->connection =
        library.g_dbus_connection_new_for_address_finish(result, &connecting->error);
    connecting->landed = true;
}

/// Connects to any bus, in the threads that GLib takes for it.
static void connect_far(Keyring *keyring, const char *address, GError **error) {
    Connecting connecting = {0};
    GCancellable *cancellable = library.g_cancellable_new();
    const gint64 deadline = library.g_get_monotonic_time() + CONNECT_MILLISECONDS * 1000;
    library.g_source_set_ready_time(keyring->alarm, deadline);
    library.g_dbus_connection_new_for_address(
        address,
        G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
            G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
        NULL, cancellable, on_connected, &connecting);
    while (!connecting.landed) {
        library.g_main_context_iteration(keyring->context, TRUE);
        if (library.g_get_monotonic_time() >= deadline)
            library.g_cancellable_cancel(cancellable);
    }
    library.g_object_unref(cancellable);
    keyring->connection = connecting.connection;
    *error = connecting.error;
}

/// The stream of a socket, which becomes the stream's.
static GIOStream *stream_of(int file, GError **error) {
    GSocket *socket = library.g_socket_new_from_fd(file, error);
    if (socket == NULL) {
        close(file);
        return NULL;
    }
    GSocketConnection *stream = library.g_socket_connection_factory_create_connection(socket);
    library.g_object_unref(socket);
    return (GIOStream *)stream;
}

/// Connects to a socket on this machine. Failed, and no error, where GLib is to be asked.
static KeyringOutcome connect_near(Keyring *keyring, const char *address, GError **error) {
    int file;
    KeyringOutcome outcome = bus_socket_open(address, CONNECT_MILLISECONDS, &file);
    if (outcome != KeyringOutcomeDone)
        return outcome;
    // This is made while the bus looks who is there.
    GIOStream *stream = stream_of(file, error);
    if (stream == NULL)
        return KeyringOutcomeFailed;
    outcome = bus_socket_enter(file, CONNECT_MILLISECONDS);
    // Its thread reads from the beginning, and keeps what comes until it is to be processed.
    if (outcome == KeyringOutcomeDone)
        keyring->connection = library.g_dbus_connection_new_sync(
            stream, NULL, G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING, NULL, NULL, error);
    library.g_object_unref(stream);
    return outcome;
}

static KeyringOutcome connect_to_bus(Keyring *keyring, const char *address) {
    if (!library.g_dbus_is_address(address))
        return keyring_fail(keyring, KeyringOutcomeFailed,
                            "the address of the session bus is malformed");
    GError *error = NULL;
    const KeyringOutcome near = connect_near(keyring, address, &error);
    if (near == KeyringOutcomeAbsent)
        return keyring_fail(keyring, near, "no session bus is running");
    if (near == KeyringOutcomeTimedOut)
        return keyring_fail(keyring, near, "the session bus did not answer");
    if (near == KeyringOutcomeFailed && error == NULL)
        connect_far(keyring, address, &error);
    if (keyring->connection != NULL) {
        calls_begin(keyring);
        return KeyringOutcomeDone;
    }
    const KeyringOutcome outcome = connect_failure(keyring, error);
    library.g_error_free(error);
    return outcome;
}

static void ask_bus(Keyring *keyring, Call *call, size_t *pending, const char *method,
                    GVariant *arguments, int milliseconds) {
    call_send(keyring, call, pending, BUS_NAME, BUS_PATH, BUS_NAME, method, arguments,
              milliseconds);
}

/// What is asked of a bus that is new to us, all at once.
struct Arrival {
    Call hello;
    Call provider;
    Call gnome;
    size_t pending;
};

static void ask_owners(Keyring *keyring) {
    struct Arrival *arrival = keyring->arrival;
    ask_bus(keyring, &arrival->provider, &arrival->pending, "GetNameOwner",
            library.g_variant_new("(s)", SERVICE_NAME), CONNECT_MILLISECONDS);
    ask_bus(keyring, &arrival->gnome, &arrival->pending, "GetNameOwner",
            library.g_variant_new("(s)", "org.gnome.keyring"), CONNECT_MILLISECONDS);
}

static void begin_arrival(Keyring *keyring) {
    struct Arrival *arrival = calloc(1, sizeof *arrival);
    if (arrival == NULL)
        abort();
    keyring->arrival = arrival;
    ask_bus(keyring, &arrival->hello, &arrival->pending, "Hello", library.g_variant_new("()"),
            CONNECT_MILLISECONDS);
    ask_owners(keyring);
}

static KeyringOutcome hello_outcome(Keyring *keyring, const Call *hello) {
    switch (hello->state) {
    case CallCutOff:
        // A bus that does not know this user may hang up only now.
        return keyring_fail(keyring, KeyringOutcomeRefused,
                            "the session bus refused the authentication");
    case CallOverdue:
        return keyring_fail(keyring, KeyringOutcomeTimedOut, "the session bus did not answer");
    default:
        return call_outcome(keyring, hello, "(s)");
    }
}

static KeyringOutcome take_owners(Keyring *keyring) {
    const struct Arrival *arrival = keyring->arrival;
    const KeyringOutcome outcome = call_outcome(keyring, &arrival->provider, "(s)");
    if (outcome != KeyringOutcomeDone)
        return outcome;
    const char *provider, *gnome;
    library.g_variant_get(arrival->provider.reply, "(&s)", &provider);
    if (!library.g_dbus_is_name(provider))
        return keyring_wrong_type(keyring);
    keyring->provider = strdup(provider);
    if (keyring->provider == NULL)
        abort();
    if (call_outcome(keyring, &arrival->gnome, "(s)") == KeyringOutcomeDone) {
        library.g_variant_get(arrival->gnome.reply, "(&s)", &gnome);
        keyring->is_gnome_keyring = strcmp(gnome, provider) == 0;
    }
    if (!keyring->is_gnome_keyring)
        calls_become_known(keyring);
    return KeyringOutcomeDone;
}

/// Whether the bus said that it has no such service, or could not start it.
static bool means_no_provider(const Call *call) {
    static const char spawn[] = BUS_NAME ".Error.Spawn.";
    const char *error = call_error(call);
    return error != NULL && (strcmp(error, BUS_NAME ".Error.ServiceUnknown") == 0 ||
                             strcmp(error, BUS_NAME ".Error.NameHasNoOwner") == 0 ||
                             strncmp(error, spawn, sizeof spawn - 1) == 0);
}

/// Has the bus start the provider.
static KeyringOutcome start_provider(Keyring *keyring) {
    Call call = {0};
    size_t pending = 0;
    ask_bus(keyring, &call, &pending, "StartServiceByName",
            library.g_variant_new("(su)", SERVICE_NAME, (guint32)0), START_MILLISECONDS);
    calls_land(keyring, &pending);
    KeyringOutcome outcome = call_outcome(keyring, &call, "(u)");
    if (means_no_provider(&call))
        outcome = keyring_fail(keyring, KeyringOutcomeAbsent,
                               "no Secret Service on the session bus");
    else if (outcome == KeyringOutcomeTimedOut)
        outcome = keyring_fail(keyring, outcome, "the keyring did not start in time");
    call_clear(&call);
    return outcome;
}

static void clear_arrival(struct Arrival *arrival) {
    call_clear(&arrival->hello);
    call_clear(&arrival->provider);
    call_clear(&arrival->gnome);
}

KeyringOutcome keyring_arrive(Keyring *keyring) {
    struct Arrival *arrival = keyring->arrival;
    if (arrival == NULL)
        return KeyringOutcomeDone;
    calls_land(keyring, &arrival->pending);
    KeyringOutcome outcome = hello_outcome(keyring, &arrival->hello);
    if (outcome == KeyringOutcomeDone && means_no_provider(&arrival->provider)) {
        clear_arrival(arrival);
        outcome = start_provider(keyring);
        if (outcome == KeyringOutcomeDone) {
            ask_owners(keyring);
            calls_land(keyring, &arrival->pending);
        }
    }
    if (outcome == KeyringOutcomeDone)
        outcome = take_owners(keyring);
    clear_arrival(arrival);
    if (outcome != KeyringOutcomeDone)
        return outcome;
    free(arrival);
    keyring->arrival = NULL;
    return outcome;
}

static gboolean on_alarm(GSource *source, GSourceFunc callback, gpointer data) {
    (void)source, (void)callback, (void)data;
    return G_SOURCE_CONTINUE;
}

KeyringOutcome keyring_open(const char *address, bool for_secrets, Keyring **keyring,
                            char *reason, size_t size) {
    *keyring = NULL;
    const char *failure = for_secrets ? library_open_secret() : library_open();
    if (failure != NULL) {
        snprintf(reason, size, "%s", failure);
        return KeyringOutcomeAbsent;
    }
    Keyring *opening = calloc(1, sizeof *opening);
    if (opening == NULL)
        abort();
    opening->last = &opening->first;
    opening->context = library.g_main_context_new();
    static GSourceFuncs alarm_functions = {.dispatch = on_alarm};
    opening->alarm = library.g_source_new(&alarm_functions, (guint)sizeof(GSource));
    opening->alarm_time = G_MAXINT64;
    library.g_source_attach(opening->alarm, opening->context);
    library.g_main_context_push_thread_default(opening->context);
    const KeyringOutcome outcome = connect_to_bus(opening, address);
    library.g_main_context_pop_thread_default(opening->context);
    if (outcome == KeyringOutcomeDone) {
        begin_arrival(opening);
        *keyring = opening;
    } else {
        snprintf(reason, size, "%s", opening->reason);
        keyring_close(opening);
    }
    return outcome;
}

void keyring_close(Keyring *keyring) {
    keyring_drop_session(keyring);
    library.g_source_destroy(keyring->alarm);
    library.g_source_unref(keyring->alarm);
    // Closes it; nobody waits for that.
    if (keyring->connection != NULL)
        library.g_object_unref(keyring->connection);
    library.g_main_context_unref(keyring->context);
    free(keyring->provider);
    free(keyring->arrival);
    free(keyring);
}

const char *keyring_reason(const Keyring *keyring) { return keyring->reason; }

bool keyring_finds_locked_items(const Keyring *keyring) { return keyring->is_gnome_keyring; }

uint32_t keyring_provider_process(Keyring *keyring) {
    Call call = {0};
    size_t pending = 0;
    ask_bus(keyring, &call, &pending, "GetConnectionUnixProcessID",
            library.g_variant_new("(s)", keyring->provider), CALL_MILLISECONDS);
    calls_land(keyring, &pending);
    guint32 process = 0;
    if (call_outcome(keyring, &call, "(u)") == KeyringOutcomeDone)
        library.g_variant_get(call.reply, "(u)", &process);
    call_clear(&call);
    return process;
}

void keyring_free(char *text) { free(text); }
