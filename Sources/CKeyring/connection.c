/// The connection to the bus and the provider, and calls in flight on it.

#include "keyring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// What connecting waits for.
typedef struct Connecting {
    GCancellable *cancellable;
    GDBusConnection *connection;
    GError *error;
    bool landed;
    bool late;
} Connecting;

static void on_connected(GObject *source, GAsyncResult *result, gpointer data) {
    Connecting *connecting = data;
    (void)source;
    connecting->connection =
        library.g_dbus_connection_new_for_address_finish(result, &connecting->error);
    connecting->landed = true;
}

static gboolean on_deadline(gpointer data) {
    Connecting *connecting = data;
    library.g_cancellable_cancel(connecting->cancellable);
    connecting->late = true;
    return G_SOURCE_REMOVE;
}

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

static KeyringOutcome connect_to_bus(Keyring *keyring, const char *address) {
    if (!library.g_dbus_is_address(address))
        return keyring_fail(keyring, KeyringOutcomeFailed,
                            "the address of the session bus is malformed");

    Connecting *connecting = calloc(1, sizeof *connecting);
    if (connecting == NULL)
        abort();
    connecting->cancellable = library.g_cancellable_new();
    GSource *deadline = library.g_timeout_source_new(CONNECT_MILLISECONDS);
    library.g_source_set_callback(deadline, on_deadline, connecting, NULL);
    library.g_source_attach(deadline, keyring->context);
    library.g_dbus_connection_new_for_address(
        address,
        G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
            G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
        NULL, connecting->cancellable, on_connected, connecting);
    while (!connecting->landed && !connecting->late)
        library.g_main_context_iteration(keyring->context, TRUE);
    library.g_source_destroy(deadline);
    library.g_source_unref(deadline);
    // GLib 2.74 does not give up its Hello when it is told to: that may land yet, and is left.
    if (!connecting->landed)
        return keyring_fail(keyring, KeyringOutcomeTimedOut, "the session bus did not answer");

    KeyringOutcome outcome = KeyringOutcomeDone;
    keyring->connection = connecting->connection;
    if (keyring->connection == NULL) {
        outcome = connect_failure(keyring, connecting->error);
        library.g_error_free(connecting->error);
    } else {
        library.g_dbus_connection_set_exit_on_close(keyring->connection, FALSE);
    }
    library.g_object_unref(connecting->cancellable);
    free(connecting);
    return outcome;
}

static void ask_owner(Keyring *keyring, Call *call, size_t *pending, const char *name) {
    call_send(keyring, call, pending, BUS_NAME, BUS_PATH, BUS_NAME, "GetNameOwner",
              library.g_variant_new("(s)", name), CALL_MILLISECONDS);
}

static char *copied_owner(const Call *call) {
    const char *name;
    library.g_variant_get(call->reply, "(&s)", &name);
    char *copied = strdup(name);
    if (copied == NULL)
        abort();
    return copied;
}

/// Whether the bus said that it has no such service, or could not start it.
static bool means_no_provider(const GError *error) {
    static const char spawn[] = BUS_NAME ".Error.Spawn.";
    char *name = library.g_dbus_error_get_remote_error(error);
    const bool none = name != NULL && (strcmp(name, BUS_NAME ".Error.ServiceUnknown") == 0 ||
                                       strcmp(name, BUS_NAME ".Error.NameHasNoOwner") == 0 ||
                                       strncmp(name, spawn, sizeof spawn - 1) == 0);
    library.g_free(name);
    return none;
}

static KeyringOutcome find_provider(Keyring *keyring) {
    Call call = {0};
    size_t pending = 0;
    ask_owner(keyring, &call, &pending, SERVICE_NAME);
    calls_land(keyring, &pending);
    KeyringOutcome outcome = call_outcome(keyring, &call, "(s)");
    if (call.error != NULL && means_no_provider(call.error)) {
        call_clear(&call);
        call_send(keyring, &call, &pending, BUS_NAME, BUS_PATH, BUS_NAME, "StartServiceByName",
                  library.g_variant_new("(su)", SERVICE_NAME, (guint32)0), START_MILLISECONDS);
        calls_land(keyring, &pending);
        outcome = call_outcome(keyring, &call, "(u)");
        if (outcome == KeyringOutcomeDone) {
            call_clear(&call);
            ask_owner(keyring, &call, &pending, SERVICE_NAME);
            calls_land(keyring, &pending);
            outcome = call_outcome(keyring, &call, "(s)");
        } else if (means_no_provider(call.error)) {
            outcome = keyring_fail(keyring, KeyringOutcomeAbsent,
                                   "no Secret Service on the session bus");
        } else if (outcome == KeyringOutcomeTimedOut) {
            outcome = keyring_fail(keyring, outcome, "the keyring did not start in time");
        }
    }
    if (outcome == KeyringOutcomeDone)
        keyring->provider = copied_owner(&call);
    call_clear(&call);
    return outcome;
}

KeyringOutcome keyring_open(const char *address, Keyring **keyring, char *reason, size_t size) {
    *keyring = NULL;
    const char *failure = library_open();
    if (failure != NULL) {
        snprintf(reason, size, "%s", failure);
        return KeyringOutcomeAbsent;
    }
    Keyring *opening = calloc(1, sizeof *opening);
    if (opening == NULL)
        abort();
    opening->context = library.g_main_context_new();
    library.g_main_context_push_thread_default(opening->context);
    KeyringOutcome outcome = connect_to_bus(opening, address);
    if (outcome == KeyringOutcomeDone)
        outcome = find_provider(opening);
    library.g_main_context_pop_thread_default(opening->context);
    if (outcome == KeyringOutcomeDone) {
        *keyring = opening;
    } else {
        snprintf(reason, size, "%s", opening->reason);
        keyring_close(opening);
    }
    return outcome;
}

void keyring_close(Keyring *keyring) {
    keyring_drop_session(keyring);
    if (keyring->connection != NULL) {
        // Nobody waits for the end of it.
        library.g_dbus_connection_close(keyring->connection, NULL, NULL, NULL);
        library.g_object_unref(keyring->connection);
    }
    library.g_main_context_unref(keyring->context);
    free(keyring->provider);
    free(keyring);
}

const char *keyring_reason(const Keyring *keyring) { return keyring->reason; }

bool keyring_finds_locked_items(Keyring *keyring) {
    Call call = {0};
    size_t pending = 0;
    ask_owner(keyring, &call, &pending, "org.gnome.keyring");
    calls_land(keyring, &pending);
    bool is_gnome = false;
    if (call_outcome(keyring, &call, "(s)") == KeyringOutcomeDone) {
        const char *name;
        library.g_variant_get(call.reply, "(&s)", &name);
        is_gnome = strcmp(name, keyring->provider) == 0;
    }
    call_clear(&call);
    return is_gnome;
}

uint32_t keyring_provider_process(Keyring *keyring) {
    Call call = {0};
    size_t pending = 0;
    call_send(keyring, &call, &pending, BUS_NAME, BUS_PATH, BUS_NAME,
              "GetConnectionUnixProcessID", library.g_variant_new("(s)", keyring->provider),
              CALL_MILLISECONDS);
    calls_land(keyring, &pending);
    guint32 process = 0;
    if (call_outcome(keyring, &call, "(u)") == KeyringOutcomeDone)
        library.g_variant_get(call.reply, "(u)", &process);
    call_clear(&call);
    return process;
}

void keyring_free(char *text) { free(text); }

static void on_reply(GObject *connection, GAsyncResult *result, gpointer data) {
    Call *call = data;
    call->reply = library.g_dbus_connection_call_finish((GDBusConnection *)connection, result,
                                                        &call->error);
    *call->pending -= 1;
}

void call_send(Keyring *keyring, Call *call, size_t *pending, const char *destination,
               const char *path, const char *interface, const char *method, GVariant *arguments,
               int milliseconds) {
    call->pending = pending;
    *pending += 1;
    library.g_main_context_push_thread_default(keyring->context);
    library.g_dbus_connection_call(keyring->connection, destination, path, interface, method,
                                   arguments, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, milliseconds,
                                   NULL, on_reply, call);
    library.g_main_context_pop_thread_default(keyring->context);
}

void calls_land_until(Keyring *keyring, const size_t *pending, size_t left) {
    library.g_main_context_push_thread_default(keyring->context);
    while (*pending > left)
        library.g_main_context_iteration(keyring->context, TRUE);
    library.g_main_context_pop_thread_default(keyring->context);
}

void calls_land(Keyring *keyring, const size_t *pending) {
    calls_land_until(keyring, pending, 0);
}

KeyringOutcome keyring_error(Keyring *keyring, const GError *error) {
    if (library.g_error_matches(error, library.g_io_error_quark(), G_IO_ERROR_TIMED_OUT))
        return keyring_fail(keyring, KeyringOutcomeTimedOut, "the keyring did not answer in time");
    if (library.g_error_matches(error, library.g_io_error_quark(), G_IO_ERROR_INVALID_ARGUMENT))
        return keyring_wrong_type(keyring);

    static const struct {
        const char *name;
        KeyringOutcome outcome;
        const char *reason;
    } known[] = {
        {"org.freedesktop.Secret.Error.IsLocked", KeyringOutcomeLocked, "the keyring is locked"},
        {"org.freedesktop.Secret.Error.NoSuchObject", KeyringOutcomeNoSuchItem,
         "the keyring has no such collection or item"},
        {BUS_NAME ".Error.UnknownObject", KeyringOutcomeNoSuchItem, "the keyring has no such collection or item"},
        {BUS_NAME ".Error.UnknownMethod", KeyringOutcomeNoSuchItem, "the keyring has no such collection or item"},
        {BUS_NAME ".Error.AccessDenied", KeyringOutcomeRefused,
         "the session bus does not let this process use the keyring"},
        {BUS_NAME ".Error.AuthFailed", KeyringOutcomeRefused,
         "the session bus refused the authentication"},
        {BUS_NAME ".Error.ServiceUnknown", KeyringOutcomeGone, "the keyring went away"},
        {BUS_NAME ".Error.NameHasNoOwner", KeyringOutcomeGone, "the keyring went away"},
        {BUS_NAME ".Error.NoReply", KeyringOutcomeGone, "the keyring went away"},
        {BUS_NAME ".Error.Disconnected", KeyringOutcomeGone, "the session bus went away"},
        {BUS_NAME ".Error.Timeout", KeyringOutcomeTimedOut, "the keyring did not answer in time"},
        {BUS_NAME ".Error.TimedOut", KeyringOutcomeTimedOut, "the keyring did not answer in time"},
    };
    char *name = library.g_dbus_error_get_remote_error(error);
    KeyringOutcome outcome = KeyringOutcomeFailed;
    if (name == NULL) {
        // libsecret takes the name off an error, and leaves the provider's message, which may
        // quote what it was given.
        const bool is_ours = error->domain == library.g_io_error_quark() &&
                             error->code != G_IO_ERROR_DBUS_ERROR;
        if (library.g_dbus_connection_is_closed(keyring->connection))
            outcome = keyring_fail(keyring, KeyringOutcomeGone, "the session bus went away");
        else
            outcome = keyring_fail(keyring, KeyringOutcomeFailed,
                                   is_ours ? error->message
                                           : "the keyring answered with an error");
    } else {
        size_t index = 0;
        const size_t count = sizeof known / sizeof *known;
        while (index < count && strcmp(known[index].name, name) != 0)
            index++;
        if (index < count) {
            outcome = keyring_fail(keyring, known[index].outcome, known[index].reason);
        } else {
            // The provider's own message may quote what it was given: only its name is told.
            char reason[REASON_SIZE];
            snprintf(reason, sizeof reason, "the keyring answered with the error %s", name);
            outcome = keyring_fail(keyring, KeyringOutcomeFailed, reason);
        }
    }
    library.g_free(name);
    return outcome;
}

KeyringOutcome call_outcome(Keyring *keyring, const Call *call, const char *type) {
    if (call->error != NULL)
        return keyring_error(keyring, call->error);
    if (strcmp(library.g_variant_get_type_string(call->reply), type) != 0)
        return keyring_wrong_type(keyring);
    return KeyringOutcomeDone;
}

void call_clear(Call *call) {
    if (call->reply != NULL)
        library.g_variant_unref(call->reply);
    if (call->error != NULL)
        library.g_error_free(call->error);
    *call = (Call){0};
}

KeyringOutcome call_provider(Keyring *keyring, Call *call, const char *path,
                             const char *interface, const char *method, GVariant *arguments,
                             const char *type) {
    size_t pending = 0;
    call_send(keyring, call, &pending, keyring->provider, path, interface, method, arguments,
              CALL_MILLISECONDS);
    calls_land(keyring, &pending);
    return call_outcome(keyring, call, type);
}

KeyringOutcome keyring_wrong_type(Keyring *keyring) {
    return keyring_fail(keyring, KeyringOutcomeWrongType,
                        "the keyring answered with something of the wrong type");
}

KeyringOutcome keyring_fail(Keyring *keyring, KeyringOutcome outcome, const char *reason) {
    snprintf(keyring->reason, sizeof keyring->reason, "%s", reason);
    for (char *byte = keyring->reason; *byte != '\0'; byte++)
        if ((unsigned char)*byte < 0x20 || *byte == 0x7F)
            *byte = ' ';
    return outcome;
}

char *path_copy(const char *path) { return strcmp(path, "/") == 0 ? NULL : strdup(path); }
