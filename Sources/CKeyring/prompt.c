/// A prompt that always ends: with an answer, a refusal, a timeout, or the end of its provider.
///
/// libsecret's own function never ends if the provider dies, with or without a GCancellable, and it
/// reports a refusal as a success (0.20.5 and the main branch of 2026, libsecret/secret-service.c,
/// on_real_prompt_completed).

#include "calls.h"

#include <stdio.h>
#include <string.h>

typedef struct Prompting {
    const char *path;
    bool is_ended;
    KeyringOutcome outcome;
} Prompting;

static void end(Prompting *prompting, KeyringOutcome outcome) {
    prompting->is_ended = true;
    prompting->outcome = outcome;
}

static KeyringOutcome completed_outcome(Keyring *keyring, GVariant *result) {
    // Only the refusal is read from the result. Its other contents differ between providers, and
    // the caller checks later what was done.
    if (result == NULL || strcmp(library.g_variant_get_type_string(result), "(bv)") != 0)
        return fail_wrong_type(keyring);
    GVariant *dismissed = library.g_variant_get_child_value(result, 0);
    const bool is_declined = library.g_variant_get_boolean(dismissed);
    library.g_variant_unref(dismissed);
    return is_declined ? fail(keyring->reason, KeyringOutcomeDeclined,
                              "the prompt of the keyring was declined")
                       : KeyringOutcomeDone;
}

static bool is(const char *header, const char *expected) {
    return header != NULL && strcmp(header, expected) == 0;
}

static void take_signal(Keyring *keyring, Prompting *prompting, GDBusMessage *signal) {
    const char *sender = library.g_dbus_message_get_sender(signal);
    const char *interface = library.g_dbus_message_get_interface(signal);
    const char *member = library.g_dbus_message_get_member(signal);
    // The bus names the sender, so that no other process can answer for the provider.
    if (is(sender, keyring->provider) && is(interface, PROMPT_INTERFACE) &&
        is(library.g_dbus_message_get_path(signal), prompting->path) && is(member, "Completed"))
        end(prompting, completed_outcome(keyring, library.g_dbus_message_get_body(signal)));
    else if (is(sender, BUS_NAME) && is(interface, BUS_NAME) && is(member, "NameOwnerChanged") &&
             is(library.g_dbus_message_get_arg0(signal), keyring->provider))
        end(prompting, fail(keyring->reason, KeyringOutcomeGone,
                            "the keyring went away while it was asking"));
}

/// Takes the signals that have come, up to one that ends the prompt; without a prompt, all of them.
static void take_signals(Keyring *keyring, Prompting *prompting) {
    GDBusMessage *signal;
    while ((prompting == NULL || !prompting->is_ended) &&
           (signal = library.g_async_queue_try_pop(keyring->inbox->signals)) != NULL) {
        if (prompting != NULL)
            take_signal(keyring, prompting, signal);
        library.g_object_unref(signal);
    }
}

/// Makes the bus send the provider's signal, and the signal that the provider has ended: once for a
/// connection.
static KeyringOutcome subscribe(Keyring *keyring) {
    static const char *const rules[] = {
        "type='signal',sender='%s',interface='" PROMPT_INTERFACE "',member='Completed'",
        "type='signal',sender='" BUS_NAME "',interface='" BUS_NAME
        "',member='NameOwnerChanged',arg0='%s'",
    };
    for (size_t index = 0; index < 2 && !keyring->is_subscribed; index++) {
        // A name has 255 bytes at most (D-Bus specification, "Valid Names").
        char rule[512];
        snprintf(rule, sizeof rule, rules[index], keyring->provider);
        const KeyringOutcome outcome = call_bus_and_wait(keyring, "AddMatch", rule, "()");
        if (outcome != KeyringOutcomeDone)
            return outcome;
    }
    keyring->is_subscribed = true;
    return KeyringOutcomeDone;
}

/// Asks the provider to close the prompt's window, and does not wait for that.
static void dismiss(Keyring *keyring, const char *path) {
    Call call;
    Batch batch = {0};
    call_send(keyring, &batch, &call, path, PROMPT_INTERFACE, "Dismiss",
              library.g_variant_new("()"));
    library.g_dbus_connection_flush_sync(keyring->connection, NULL, NULL);
    calls_cancel(keyring, &call, 1);
}

KeyringOutcome keyring_prompt(Keyring *keyring, const char *path, unsigned seconds) {
    const KeyringOutcome subscribed = subscribe(keyring);
    if (subscribed != KeyringOutcomeDone)
        return subscribed;
    take_signals(keyring, NULL);
    Prompting prompting = {.path = path};
    Call call;
    Batch batch = {0};
    const gint64 deadline = library.g_get_monotonic_time() + (gint64)seconds * 1000000;
    call_send(keyring, &batch, &call, path, PROMPT_INTERFACE, "Prompt",
              library.g_variant_new("(s)", ""));
    while (!prompting.is_ended || batch.pending > 0) {
        calls_wait(keyring, 1, deadline);
        take_signals(keyring, &prompting);
        if (prompting.is_ended)
            continue;
        const KeyringOutcome called =
            batch.pending > 0 ? KeyringOutcomeDone : call_outcome(keyring, &call, "()");
        if (called != KeyringOutcomeDone)
            end(&prompting, called);
        else if (library.g_dbus_connection_is_closed(keyring->connection))
            end(&prompting, fail(keyring->reason, KeyringOutcomeGone, "the session bus went away"));
        else if (library.g_get_monotonic_time() >= deadline)
            end(&prompting, fail(keyring->reason, KeyringOutcomeTimedOut,
                                 "nobody answered the prompt of the keyring in time"));
    }
    call_clear(&call);
    if (prompting.outcome == KeyringOutcomeTimedOut)
        dismiss(keyring, path);
    return prompting.outcome;
}
