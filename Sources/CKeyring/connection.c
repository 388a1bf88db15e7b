/// The connection to the bus and the provider.
///
/// GDBus is not told that there is a bus at the other end: it would say Hello itself, wait 25 s for
/// the answer, cancelled or not (GLib 2.74), and subscribe to changes of names that nobody asks for.

#include "keyring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// The outcome of an authentication that GLib could not bring to its end.
static KeyringOutcome authentication_failure(Keyring *keyring, const GError *error) {
    if (error->domain == library.g_io_error_quark()) {
        switch (error->code) {
        case G_IO_ERROR_CANCELLED:
        case G_IO_ERROR_TIMED_OUT:
            return keyring_fail(keyring, KeyringOutcomeTimedOut,
                                "the session bus did not answer");
        case G_IO_ERROR_PERMISSION_DENIED:
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

/// The stream of a socket, which becomes the stream's; null if there is none, and why is kept.
static GIOStream *stream_of(Keyring *keyring, int file) {
    GError *error = NULL;
    GSocket *socket = library.g_socket_new_from_fd(file, &error);
    if (socket == NULL) {
        close(file);
        keyring_fail(keyring, KeyringOutcomeFailed, error->message);
        library.g_error_free(error);
        return NULL;
    }
    GSocketConnection *stream = library.g_socket_connection_factory_create_connection(socket);
    library.g_object_unref(socket);
    return (GIOStream *)stream;
}

/// Authenticates in one round trip, which has begun. Failed, and nothing has been said of why, where
/// GLib may be let in.
static KeyringOutcome authenticate_at_once(Keyring *keyring, const BusSocket *bus) {
    GIOStream *stream = stream_of(keyring, bus->file);
    if (stream == NULL)
        return KeyringOutcomeFailed;
    KeyringOutcome outcome = bus_socket_enter(keyring, bus);
    // Its thread reads from the beginning, and keeps what comes until it is to be processed.
    if (outcome == KeyringOutcomeDone)
        keyring->connection = library.g_dbus_connection_new_sync(
            stream, NULL, G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING, NULL, NULL, NULL);
    library.g_object_unref(stream);
    return keyring->connection == NULL && outcome == KeyringOutcomeDone ? KeyringOutcomeFailed
                                                                        : outcome;
}

/// An authentication, on its way.
typedef struct Authenticating {
    GDBusConnection *connection;
    GError *error;
    bool landed;
} Authenticating;

static void on_authenticated(GObject *source, GAsyncResult *result, gpointer data) {
    (void)source;
    Authenticating *authenticating = data;
    authenticating->connection =
        library.g_dbus_connection_new_finish(result, &authenticating->error);
    authenticating->landed = true;
}

/// Has GLib authenticate, in the threads that it takes for that.
static KeyringOutcome authenticate_in_any_way(Keyring *keyring, const BusSocket *bus) {
    GIOStream *stream = stream_of(keyring, bus->file);
    if (stream == NULL)
        return KeyringOutcomeFailed;
    Authenticating authenticating = {0};
    GCancellable *cancellable = library.g_cancellable_new();
    const gint64 deadline = library.g_get_monotonic_time() + CONNECT_MILLISECONDS * 1000;
    library.g_source_set_ready_time(keyring->alarm, deadline);
    library.g_dbus_connection_new(stream, NULL,
                                  G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                      G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
                                  NULL, cancellable, on_authenticated, &authenticating);
    while (!authenticating.landed) {
        library.g_main_context_iteration(keyring->context, TRUE);
        if (library.g_get_monotonic_time() >= deadline)
            library.g_cancellable_cancel(cancellable);
    }
    library.g_object_unref(cancellable);
    library.g_object_unref(stream);
    keyring->connection = authenticating.connection;
    if (keyring->connection == NULL) {
        const KeyringOutcome outcome = authentication_failure(keyring, authenticating.error);
        library.g_error_free(authenticating.error);
        return outcome;
    }
    const char *guid = library.g_dbus_connection_get_guid(keyring->connection);
    return bus_socket_expect(keyring, bus, guid, guid != NULL ? strlen(guid) : 0);
}

/// Authenticates at a socket that has been opened, and which is closed or the connection's then.
static KeyringOutcome enter(Keyring *keyring, const char *address, BusSocket *bus) {
    KeyringOutcome outcome = authenticate_at_once(keyring, bus);
    if (outcome == KeyringOutcomeFailed) {
        outcome = bus_socket_open(keyring, address, bus);
        if (outcome == KeyringOutcomeDone)
            outcome = authenticate_in_any_way(keyring, bus);
    }
    if (outcome == KeyringOutcomeDone)
        calls_begin(keyring);
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

/// Gives it what it waits with.
static void begin_waiting(Keyring *keyring) {
    keyring->last = &keyring->first;
    keyring->context = library.g_main_context_new();
    static GSourceFuncs alarm_functions = {.dispatch = on_alarm};
    keyring->alarm = library.g_source_new(&alarm_functions, (guint)sizeof(GSource));
    keyring->alarm_time = G_MAXINT64;
    library.g_source_attach(keyring->alarm, keyring->context);
}

/// Connects to the bus, for which the libraries are opened if there is one.
static KeyringOutcome connect_to_bus(Keyring *keyring, const char *address, bool for_secrets) {
    BusSocket bus;
    KeyringOutcome outcome = bus_socket_open(keyring, address, &bus);
    if (outcome != KeyringOutcomeDone)
        return outcome;
    // The libraries are opened while the bus looks who is there.
    bus_socket_greet(&bus);
    outcome = library_open(for_secrets, keyring->reason, sizeof keyring->reason);
    if (outcome != KeyringOutcomeDone) {
        close(bus.file);
        return outcome;
    }
    begin_waiting(keyring);
    library.g_main_context_push_thread_default(keyring->context);
    outcome = enter(keyring, address, &bus);
    library.g_main_context_pop_thread_default(keyring->context);
    return outcome;
}

KeyringOutcome keyring_open(const char *address, bool for_secrets, Keyring **keyring,
                            char *reason, size_t size) {
    *keyring = NULL;
    Keyring *opening = calloc(1, sizeof *opening);
    if (opening == NULL)
        abort();
    const KeyringOutcome outcome = connect_to_bus(opening, address, for_secrets);
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
    // Without one there was no bus, and no library was opened for it.
    if (keyring->context != NULL) {
        library.g_source_destroy(keyring->alarm);
        library.g_source_unref(keyring->alarm);
        // Closes it; nobody waits for that.
        if (keyring->connection != NULL)
            library.g_object_unref(keyring->connection);
        library.g_main_context_unref(keyring->context);
    }
    free(keyring->provider);
    free(keyring->arrival);
    free(keyring);
}

const char *keyring_reason(const Keyring *keyring) { return keyring->reason; }

bool keyring_finds_locked_items(const Keyring *keyring) { return keyring->is_gnome_keyring; }

bool keyring_provider_owns(Keyring *keyring, const char *name) {
    Call call = {0};
    size_t pending = 0;
    ask_bus(keyring, &call, &pending, "GetNameOwner", library.g_variant_new("(s)", name),
            CALL_MILLISECONDS);
    calls_land(keyring, &pending);
    const char *owner = "";
    if (call_outcome(keyring, &call, "(s)") == KeyringOutcomeDone)
        library.g_variant_get(call.reply, "(&s)", &owner);
    const bool is_provider = strcmp(owner, keyring->provider) == 0;
    call_clear(&call);
    return is_provider;
}

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
