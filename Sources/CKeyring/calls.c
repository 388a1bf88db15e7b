#include "calls.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/// The most calls of a connection that are pending at once: a bus limits how many it may have
/// (dbus-daemon 1.14: 128, unless its configuration says otherwise), and each call has its
/// deadline.
enum { LIMIT = 100 };

// Receiving.

static void inbox_free(gpointer data) {
    Inbox *inbox = data;
    GDBusMessage *held = atomic_exchange(&inbox->held, NULL);
    if (held != NULL)
        library.g_object_unref(held);
    library.g_async_queue_unref(inbox->replies);
    library.g_async_queue_unref(inbox->signals);
    library.g_main_context_unref(inbox->context);
    free(inbox);
}

/// GDBus's thread calls this.
static GDBusMessage *on_message(GDBusConnection *connection, GDBusMessage *message,
                                gboolean incoming, gpointer data) {
    Inbox *inbox = data;
    if (!incoming)
        return message;
    switch (library.g_dbus_message_get_message_type(message)) {
    case G_DBUS_MESSAGE_TYPE_METHOD_RETURN:
    case G_DBUS_MESSAGE_TYPE_ERROR:
        library.g_async_queue_push(inbox->replies, (library.g_object_ref)(message));
        if (atomic_fetch_add(&inbox->received, 1) + 1 >= atomic_load(&inbox->wake_at))
            library.g_main_context_wakeup(inbox->context);
        break;
    case G_DBUS_MESSAGE_TYPE_SIGNAL:
        library.g_async_queue_push(inbox->signals, (library.g_object_ref)(message));
        library.g_main_context_wakeup(inbox->context);
        break;
    default:
        break;
    }
    // GDBus gets the message as well, and uses only the replies to libsecret.
    return message;
}

void calls_begin(Keyring *keyring) {
    Inbox *inbox = calloc(1, sizeof *inbox);
    if (inbox == NULL)
        abort();
    inbox->context = library.g_main_context_ref(keyring->context);
    inbox->replies = library.g_async_queue_new_full(library.g_object_unref);
    inbox->signals = library.g_async_queue_new_full(library.g_object_unref);
    keyring->inbox = inbox;
    keyring->last = &keyring->first;
    library.g_object_set_data_full((GObject *)keyring->connection, "keyfob-inbox", inbox,
                                   inbox_free);
    library.g_dbus_connection_add_filter(keyring->connection, on_message, inbox, NULL);
    library.g_dbus_connection_start_message_processing(keyring->connection);
}

// Sending.

static void send_call(Keyring *keyring, Batch *batch, Call *call, GDBusMessage *message,
                      GVariant *arguments, int milliseconds) {
    library.g_dbus_message_set_flags(message, G_DBUS_MESSAGE_FLAGS_NO_AUTO_START);
    library.g_dbus_message_set_body(message, arguments);
    *call = (Call){.state = CallTimedOut, .batch = batch};
    while (keyring->pending >= LIMIT)
        calls_wait(keyring, keyring->pending - LIMIT + 1, G_MAXINT64);
    if (!batch->is_cut_short) {
        call->state = CallPending;
        call->deadline = library.g_get_monotonic_time() + (gint64)milliseconds * 1000;
        batch->pending += 1;
        keyring->pending += 1;
        *keyring->last = call;
        keyring->last = &call->next;
        // If this fails the connection is closed, which is noticed when the call is waited for.
        library.g_dbus_connection_send_message(keyring->connection, message,
                                               G_DBUS_SEND_MESSAGE_FLAGS_NONE, &call->serial,
                                               NULL);
    }
    library.g_object_unref(message);
}

void call_send(Keyring *keyring, Batch *batch, Call *call, const char *path,
               const char *interface, const char *method, GVariant *arguments) {
    // Any other call may end gnome-keyring (search.c).
    assert(keyring->is_known || strcmp(method, "SearchItems") == 0);
    const char *destination = keyring->provider != NULL ? keyring->provider : SERVICE_NAME;
    send_call(keyring, batch, call,
              library.g_dbus_message_new_method_call(destination, path, interface, method),
              arguments, CALL_MILLISECONDS);
}

void call_send_to_bus(Keyring *keyring, Batch *batch, Call *call, const char *method,
                      GVariant *arguments, int milliseconds) {
    send_call(keyring, batch, call,
              library.g_dbus_message_new_method_call(BUS_NAME, BUS_PATH, BUS_NAME, method),
              arguments, milliseconds);
}

// Waiting.

/// Removes a call from the pending ones.
static void end_call(Keyring *keyring, Call **link, CallState state) {
    Call *call = *link;
    *link = call->next;
    if (call->next == NULL)
        keyring->last = link;
    call->state = state;
    call->batch->pending -= 1;
    keyring->pending -= 1;
    if (state == CallTimedOut || state == CallDisconnected)
        call->batch->is_cut_short = true;
}

/// Stores a reply in its call. A reply to libsecret, or to a call that timed out, has none.
static void take_reply(Keyring *keyring, GDBusMessage *message) {
    const guint32 serial = library.g_dbus_message_get_reply_serial(message);
    Call **link = &keyring->first;
    while (*link != NULL && (*link)->serial != serial)
        link = &(*link)->next;
    Call *call = *link;
    if (call != NULL) {
        call->reply = (library.g_object_ref)(message);
        call->body = library.g_dbus_message_get_body(message);
        const bool is_error =
            library.g_dbus_message_get_message_type(message) == G_DBUS_MESSAGE_TYPE_ERROR;
        end_call(keyring, link, is_error ? CallRefused : CallReturned);
    }
    library.g_object_unref(message);
}

void calls_wait(Keyring *keyring, size_t replies, gint64 until) {
    for (const Call *call = keyring->first; call != NULL; call = call->next)
        if (call->deadline < until)
            until = call->deadline;
    // A timer that fires too early costs less than setting it for each wait.
    if (until < keyring->timer_time || keyring->timer_time <= library.g_get_monotonic_time()) {
        keyring->timer_time = until;
        library.g_source_set_ready_time(keyring->timer, until);
    }
    // Waking up for each reply takes longer than taking it.
    const size_t wake_at = keyring->replies + replies;
    atomic_store(&keyring->inbox->wake_at, wake_at);
    const bool may_block = atomic_load(&keyring->inbox->received) < wake_at &&
                           !library.g_dbus_connection_is_closed(keyring->connection);
    library.g_main_context_push_thread_default(keyring->context);
    library.g_main_context_iteration(keyring->context, may_block);
    library.g_main_context_pop_thread_default(keyring->context);

    // This is read first, since replies may have come before the connection was closed.
    const bool is_closed = library.g_dbus_connection_is_closed(keyring->connection);
    GDBusMessage *message;
    while ((message = library.g_async_queue_try_pop(keyring->inbox->replies)) != NULL) {
        keyring->replies += 1;
        take_reply(keyring, message);
    }
    const gint64 now = library.g_get_monotonic_time();
    Call **link = &keyring->first;
    while (*link != NULL) {
        if (is_closed || (*link)->deadline <= now)
            end_call(keyring, link, is_closed ? CallDisconnected : CallTimedOut);
        else
            link = &(*link)->next;
    }
}

void calls_finish(Keyring *keyring, const Batch *batch) {
    while (batch->pending > 0)
        calls_wait(keyring, batch->pending, G_MAXINT64);
}

void calls_cancel(Keyring *keyring, Call *calls, size_t count) {
    for (size_t index = 0; index < count; index++) {
        Call **link = &keyring->first;
        while (*link != NULL && *link != &calls[index])
            link = &(*link)->next;
        if (*link != NULL)
            end_call(keyring, link, CallTimedOut);
        call_clear(&calls[index]);
    }
}

KeyringOutcome call_and_wait(Keyring *keyring, const char *path, const char *interface,
                             const char *method, GVariant *arguments, const char *type) {
    Batch batch = {0};
    call_clear(&keyring->call);
    call_send(keyring, &batch, &keyring->call, path, interface, method, arguments);
    calls_finish(keyring, &batch);
    return call_outcome(keyring, &keyring->call, type);
}

KeyringOutcome call_bus_and_wait(Keyring *keyring, const char *method, const char *name,
                                 const char *type) {
    Batch batch = {0};
    call_clear(&keyring->call);
    call_send_to_bus(keyring, &batch, &keyring->call, method, library.g_variant_new("(s)", name),
                     CALL_MILLISECONDS);
    calls_finish(keyring, &batch);
    return call_outcome(keyring, &keyring->call, type);
}

void call_clear(Call *call) {
    if (call->reply != NULL)
        library.g_object_unref(call->reply);
    *call = (Call){0};
}

// The outcome of a call.

bool call_is_sent_by_provider(const Keyring *keyring, const Call *call) {
    if (call->reply == NULL || keyring->provider == NULL)
        return false;
    const char *sender = library.g_dbus_message_get_sender(call->reply);
    return sender != NULL && strcmp(sender, keyring->provider) == 0;
}

const char *call_error(const Call *call) {
    return call->state == CallRefused ? library.g_dbus_message_get_error_name(call->reply) : NULL;
}

static const char no_object[] = "the keyring has no such collection or item";
static const char no_keyring[] = "the keyring went away";
static const char no_bus[] = "the session bus went away";
static const char no_answer[] = "the keyring did not answer in time";

/// Returns the outcome that corresponds to the name of a D-Bus error.
static KeyringOutcome fail_named(Keyring *keyring, const char *name) {
    static const struct {
        const char *name;
        KeyringOutcome outcome;
        const char *reason;
    } known[] = {
        {"org.freedesktop.Secret.Error.IsLocked", KeyringOutcomeLocked, "the keyring is locked"},
        {"org.freedesktop.Secret.Error.NoSuchObject", KeyringOutcomeNoSuchItem, no_object},
        {BUS_NAME ".Error.UnknownObject", KeyringOutcomeNoSuchItem, no_object},
        {BUS_NAME ".Error.UnknownMethod", KeyringOutcomeNoSuchItem, no_object},
        {BUS_NAME ".Error.AccessDenied", KeyringOutcomeRefused,
         "the session bus does not let this process use the keyring"},
        {BUS_NAME ".Error.AuthFailed", KeyringOutcomeRefused,
         "the session bus refused the authentication"},
        {BUS_NAME ".Error.ServiceUnknown", KeyringOutcomeGone, no_keyring},
        {BUS_NAME ".Error.NameHasNoOwner", KeyringOutcomeGone, no_keyring},
        {BUS_NAME ".Error.NoReply", KeyringOutcomeGone, no_keyring},
        {BUS_NAME ".Error.Disconnected", KeyringOutcomeGone, no_bus},
        {BUS_NAME ".Error.Timeout", KeyringOutcomeTimedOut, no_answer},
        {BUS_NAME ".Error.TimedOut", KeyringOutcomeTimedOut, no_answer},
    };
    for (size_t index = 0; index < sizeof known / sizeof *known; index++)
        if (strcmp(known[index].name, name) == 0)
            return fail(keyring->reason, known[index].outcome, "%s", known[index].reason);
    // The provider's own message may quote what it was sent, so only the error's name is reported.
    return fail(keyring->reason, KeyringOutcomeFailed, "the keyring answered with the error %s",
                name);
}

KeyringOutcome fail_with_error(Keyring *keyring, const GError *error) {
    if (library.g_error_matches(error, library.g_io_error_quark(), G_IO_ERROR_CANCELLED))
        return fail(keyring->reason, KeyringOutcomeTimedOut, no_answer);
    if (library.g_error_matches(error, library.g_io_error_quark(), G_IO_ERROR_INVALID_ARGUMENT))
        return fail_wrong_type(keyring);
    char *name = library.g_dbus_error_get_remote_error(error);
    if (name != NULL) {
        const KeyringOutcome outcome = fail_named(keyring, name);
        library.g_free(name);
        return outcome;
    }
    if (library.g_dbus_connection_is_closed(keyring->connection))
        return fail(keyring->reason, KeyringOutcomeGone, no_bus);
    // libsecret removes the name from an error, and keeps the provider's message, which may quote
    // what it was sent.
    const bool is_ours =
        error->domain == library.g_io_error_quark() && error->code != G_IO_ERROR_DBUS_ERROR;
    return fail(keyring->reason, KeyringOutcomeFailed, "%s",
                is_ours ? error->message : "the keyring answered with an error");
}

KeyringOutcome fail_wrong_type(Keyring *keyring) {
    return fail(keyring->reason, KeyringOutcomeWrongType,
                "the keyring answered with something of the wrong type");
}

KeyringOutcome call_outcome(Keyring *keyring, const Call *call, const char *type) {
    switch (call->state) {
    case CallReturned: {
        const char *got = call->body != NULL ? library.g_variant_get_type_string(call->body) : "()";
        return strcmp(got, type) == 0 ? KeyringOutcomeDone : fail_wrong_type(keyring);
    }
    case CallRefused:
        return fail_named(keyring, call_error(call));
    case CallTimedOut:
        return fail(keyring->reason, KeyringOutcomeTimedOut, no_answer);
    default:
        return fail(keyring->reason, KeyringOutcomeGone, no_bus);
    }
}
