/// A prompt that always ends: answered, refused, out of time, or its provider gone.

#include "keyring.h"

#include <stdio.h>
#include <string.h>

typedef struct Prompting {
    const char *path;
    bool ended;
    KeyringOutcome outcome;
} Prompting;

static void end(Keyring *keyring, KeyringOutcome outcome, const char *reason) {
    Prompting *prompting = keyring->prompting;
    if (prompting->ended)
        return;
    prompting->ended = true;
    prompting->outcome = outcome;
    if (outcome != KeyringOutcomeDone)
        keyring_fail(keyring, outcome, reason);
}

static void on_completed(Keyring *keyring, GVariant *result) {
    // The result's type differs between providers where the prompt was refused; what was done
    // is looked at, not believed.
    if (result == NULL || strcmp(library.g_variant_get_type_string(result), "(bv)") != 0) {
        end(keyring, keyring_wrong_type(keyring), keyring->reason);
        return;
    }
    GVariant *dismissed = library.g_variant_get_child_value(result, 0);
    if (library.g_variant_get_boolean(dismissed))
        end(keyring, KeyringOutcomeDeclined, "the prompt of the keyring was declined");
    else
        end(keyring, KeyringOutcomeDone, "");
    library.g_variant_unref(dismissed);
}

static bool is(const char *header, const char *expected) {
    return header != NULL && strcmp(header, expected) == 0;
}

void prompt_take_signal(Keyring *keyring, GDBusMessage *signal) {
    const char *sender = library.g_dbus_message_get_sender(signal);
    const char *path = library.g_dbus_message_get_path(signal);
    const char *interface = library.g_dbus_message_get_interface(signal);
    const char *member = library.g_dbus_message_get_member(signal);
    // The bus says who sends, so that no other can answer for the provider.
    if (is(sender, keyring->provider) && is(path, keyring->prompting->path) &&
        is(interface, PROMPT_INTERFACE) && is(member, "Completed"))
        on_completed(keyring, library.g_dbus_message_get_body(signal));
    else if (is(sender, BUS_NAME) && is(interface, BUS_NAME) && is(member, "NameOwnerChanged") &&
             is(library.g_dbus_message_get_arg0(signal), keyring->provider))
        end(keyring, KeyringOutcomeGone, "the keyring went away while it was asking");
}

/// Has the bus send the provider's signal, and word of the provider's end.
static void subscribe(Keyring *keyring, Call *calls, size_t *pending) {
    static const char *const rules[] = {
        "type='signal',sender='%s',interface='" PROMPT_INTERFACE "',member='Completed'",
        "type='signal',sender='" BUS_NAME "',interface='" BUS_NAME
        "',member='NameOwnerChanged',arg0='%s'",
    };
    for (size_t index = 0; index < sizeof rules / sizeof *rules; index++) {
        // A name has 255 bytes at most (D-Bus specification, "Valid Names").
        char rule[512];
        snprintf(rule, sizeof rule, rules[index], keyring->provider);
        call_send(keyring, &calls[index], pending, BUS_NAME, BUS_PATH, BUS_NAME, "AddMatch",
                  library.g_variant_new("(s)", rule), CALL_MILLISECONDS);
    }
}

/// Takes the window away. Whether it goes is not waited for.
static void dismiss(Keyring *keyring) {
    Call call = {0};
    size_t pending = 0;
    call_send(keyring, &call, &pending, keyring->provider, keyring->prompting->path,
              PROMPT_INTERFACE, "Dismiss", library.g_variant_new("()"), 0);
    library.g_dbus_connection_flush_sync(keyring->connection, NULL, NULL);
    calls_land(keyring, &pending);
    call_clear(&call);
}

KeyringOutcome keyring_prompt(Keyring *keyring, const char *prompt, unsigned seconds) {
    Prompting prompting = {.path = prompt};
    keyring->prompting = &prompting;
    const gint64 deadline = library.g_get_monotonic_time() + (gint64)seconds * 1000000;
    Call calls[3] = {{0}};
    size_t pending = 0;
    subscribe(keyring, calls, &pending);
    call_send(keyring, &calls[2], &pending, keyring->provider, prompt, PROMPT_INTERFACE, "Prompt",
              library.g_variant_new("(s)", ""), CALL_MILLISECONDS);
    while (!prompting.ended || pending > 0) {
        calls_wait(keyring, 1, deadline);
        for (size_t index = 0; index < 3 && !prompting.ended; index++)
            if (call_has_landed(&calls[index])) {
                prompting.outcome = call_outcome(keyring, &calls[index], "()");
                prompting.ended = prompting.outcome != KeyringOutcomeDone;
            }
        if (library.g_dbus_connection_is_closed(keyring->connection))
            end(keyring, KeyringOutcomeGone, "the session bus went away");
        else if (library.g_get_monotonic_time() >= deadline)
            end(keyring, KeyringOutcomeTimedOut,
                "nobody answered the prompt of the keyring in time");
    }
    for (size_t index = 0; index < 3; index++)
        call_clear(&calls[index]);
    if (prompting.outcome == KeyringOutcomeTimedOut)
        dismiss(keyring);
    keyring->prompting = NULL;
    return prompting.outcome;
}
