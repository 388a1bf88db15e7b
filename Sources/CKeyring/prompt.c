/// A prompt that always ends: answered, refused, out of time, or its provider gone.

#include "keyring.h"

#include <string.h>

typedef struct Prompting {
    Keyring *keyring;
    bool ended;
    KeyringOutcome outcome;
} Prompting;

static void end(Prompting *prompting, KeyringOutcome outcome, const char *reason) {
    if (prompting->ended)
        return;
    prompting->ended = true;
    prompting->outcome = outcome;
    if (outcome != KeyringOutcomeDone)
        keyring_fail(prompting->keyring, outcome, reason);
}

static void on_completed(GDBusConnection *connection, const gchar *sender, const gchar *path,
                         const gchar *interface, const gchar *signal, GVariant *parameters,
                         gpointer data) {
    (void)connection, (void)sender, (void)path, (void)interface, (void)signal;
    Prompting *prompting = data;
    // The result's type differs between providers where the prompt was refused; what was done
    // is looked at, not believed.
    if (strcmp(library.g_variant_get_type_string(parameters), "(bv)") != 0) {
        end(prompting, KeyringOutcomeWrongType,
            "the keyring answered with something of the wrong type");
        return;
    }
    GVariant *dismissed = library.g_variant_get_child_value(parameters, 0);
    if (library.g_variant_get_boolean(dismissed))
        end(prompting, KeyringOutcomeDeclined, "the prompt of the keyring was declined");
    else
        end(prompting, KeyringOutcomeDone, "");
    library.g_variant_unref(dismissed);
}

static void on_owner_changed(GDBusConnection *connection, const gchar *sender, const gchar *path,
                             const gchar *interface, const gchar *signal, GVariant *parameters,
                             gpointer data) {
    (void)connection, (void)sender, (void)path, (void)interface, (void)signal, (void)parameters;
    end(data, KeyringOutcomeGone, "the keyring went away while it was asking");
}

static gboolean on_prompt_deadline(gpointer data) {
    end(data, KeyringOutcomeTimedOut, "nobody answered the prompt of the keyring in time");
    return G_SOURCE_REMOVE;
}

/// Whether the bus is still there is asked now and then: a connection's end wakes nobody.
static gboolean on_look(gpointer data) {
    Prompting *prompting = data;
    if (library.g_dbus_connection_is_closed(prompting->keyring->connection))
        end(prompting, KeyringOutcomeGone, "the session bus went away");
    return G_SOURCE_CONTINUE;
}

static GSource *add_timeout(Keyring *keyring, unsigned milliseconds, GSourceFunc function,
                            gpointer data) {
    GSource *source = library.g_timeout_source_new(milliseconds);
    library.g_source_set_callback(source, function, data, NULL);
    library.g_source_attach(source, keyring->context);
    return source;
}

static void remove_source(GSource *source) {
    library.g_source_destroy(source);
    library.g_source_unref(source);
}

KeyringOutcome keyring_prompt(Keyring *keyring, const char *prompt, unsigned seconds) {
    Prompting prompting = {.keyring = keyring};
    library.g_main_context_push_thread_default(keyring->context);
    const guint completed = library.g_dbus_connection_signal_subscribe(
        keyring->connection, keyring->provider, PROMPT_INTERFACE, "Completed", prompt, NULL,
        G_DBUS_SIGNAL_FLAGS_NONE, on_completed, &prompting, NULL);
    const guint owner = library.g_dbus_connection_signal_subscribe(
        keyring->connection, BUS_NAME, BUS_NAME, "NameOwnerChanged", BUS_PATH, keyring->provider,
        G_DBUS_SIGNAL_FLAGS_NONE, on_owner_changed, &prompting, NULL);
    GSource *deadline = add_timeout(keyring, seconds * 1000, on_prompt_deadline, &prompting);
    GSource *look = add_timeout(keyring, 200, on_look, &prompting);

    Call call = {0};
    size_t pending = 0;
    call_send(keyring, &call, &pending, keyring->provider, prompt, PROMPT_INTERFACE, "Prompt",
              library.g_variant_new("(s)", ""), CALL_MILLISECONDS);
    while (!prompting.ended || pending > 0) {
        library.g_main_context_iteration(keyring->context, TRUE);
        if (call.error != NULL && !prompting.ended) {
            prompting.ended = true;
            prompting.outcome = call_outcome(keyring, &call, "()");
        }
    }
    call_clear(&call);

    remove_source(look);
    remove_source(deadline);
    library.g_dbus_connection_signal_unsubscribe(keyring->connection, owner);
    library.g_dbus_connection_signal_unsubscribe(keyring->connection, completed);
    if (prompting.outcome == KeyringOutcomeTimedOut) {
        // Takes the window away. Whether it does is not waited for.
        library.g_dbus_connection_call(keyring->connection, keyring->provider, prompt,
                                       PROMPT_INTERFACE, "Dismiss", NULL, NULL,
                                       G_DBUS_CALL_FLAGS_NO_AUTO_START, CALL_MILLISECONDS, NULL,
                                       NULL, NULL);
        library.g_dbus_connection_flush_sync(keyring->connection, NULL, NULL);
    }
    library.g_main_context_pop_thread_default(keyring->context);
    return prompting.outcome;
}
