/// Calls in flight.
///
/// GDBus reads the socket in a thread of its own, which puts what comes into a queue; the thread
/// that waits takes it from there. GDBus's own calls come to the same, with an object and two
/// sources more for each, and another wake-up.

#include "keyring.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// What GDBus's thread knows. It lives as long as the connection.
struct Mailbox {
    GMainContext *context;
    GAsyncQueue *arrived;
    /// How many answers have come, ever.
    atomic_size_t answers;
    /// Whoever waits is woken when so many have come, or something else.
    atomic_size_t wake_at;
    /// What libsecret wants to say; null if that is nothing.
    _Atomic(GDBusMessage *) request;
};

static void request_replace(Mailbox *mailbox, GDBusMessage *message) {
    GDBusMessage *earlier = atomic_exchange(&mailbox->request, message);
    if (earlier != NULL)
        library.g_object_unref(earlier);
}

static void mailbox_free(gpointer data) {
    Mailbox *mailbox = data;
    library.g_async_queue_unref(mailbox->arrived);
    request_replace(mailbox, NULL);
    library.g_main_context_unref(mailbox->context);
    free(mailbox);
}

static bool is_answer(GDBusMessage *message) {
    const GDBusMessageType type = library.g_dbus_message_get_message_type(message);
    return type == G_DBUS_MESSAGE_TYPE_METHOD_RETURN || type == G_DBUS_MESSAGE_TYPE_ERROR;
}

/// Called in GDBus's thread.
static GDBusMessage *on_message(GDBusConnection *connection, GDBusMessage *message,
                                gboolean incoming, gpointer data) {
    (void)connection;
    Mailbox *mailbox = data;
    if (incoming) {
        library.g_async_queue_push(mailbox->arrived, (library.g_object_ref)(message));
        if (!is_answer(message) ||
            atomic_fetch_add(&mailbox->answers, 1) + 1 >= atomic_load(&mailbox->wake_at))
            library.g_main_context_wakeup(mailbox->context);
        // It goes on to GDBus as well, which knows the answers to libsecret and no others.
        return message;
    }
    if (library.g_dbus_message_get_destination(message) != NULL)
        return message;
    // libsecret's: to its proxy the provider is the other end of the connection.
    request_replace(mailbox, message);
    library.g_main_context_wakeup(mailbox->context);
    return NULL;
}

/// Sends what libsecret wants to say, if the provider may be told.
static void send_request(Keyring *keyring) {
    if (!keyring->is_known)
        return;
    GDBusMessage *request = atomic_exchange(&keyring->mailbox->request, NULL);
    if (request == NULL)
        return;
    // The copy can be changed, and has the number that the answer is known by.
    GDBusMessage *message = library.g_dbus_message_copy(request, NULL);
    library.g_object_unref(request);
    library.g_dbus_message_set_destination(message, keyring->provider);
    library.g_dbus_message_set_flags(message, G_DBUS_MESSAGE_FLAGS_NO_AUTO_START);
    library.g_dbus_connection_send_message(keyring->connection, message,
                                           G_DBUS_SEND_MESSAGE_FLAGS_PRESERVE_SERIAL, NULL, NULL);
    library.g_object_unref(message);
}

void calls_become_known(Keyring *keyring) {
    keyring->is_known = true;
    send_request(keyring);
}

void calls_drop_request(Keyring *keyring) { request_replace(keyring->mailbox, NULL); }

void calls_begin(Keyring *keyring) {
    Mailbox *mailbox = calloc(1, sizeof *mailbox);
    if (mailbox == NULL)
        abort();
    mailbox->context = library.g_main_context_ref(keyring->context);
    mailbox->arrived = library.g_async_queue_new_full(library.g_object_unref);
    keyring->mailbox = mailbox;
    library.g_object_set_data_full((GObject *)keyring->connection, "keyfob-mailbox", mailbox,
                                   mailbox_free);
    library.g_dbus_connection_add_filter(keyring->connection, on_message, mailbox, NULL);
    library.g_dbus_connection_start_message_processing(keyring->connection);
}

void call_send(Keyring *keyring, Call *call, size_t *pending, const char *destination,
               const char *path, const char *interface, const char *method, GVariant *arguments,
               int milliseconds) {
    GDBusMessage *message =
        library.g_dbus_message_new_method_call(destination, path, interface, method);
    library.g_dbus_message_set_flags(message, G_DBUS_MESSAGE_FLAGS_NO_AUTO_START);
    library.g_dbus_message_set_body(message, arguments);
    *call = (Call){.state = CallFlying, .pending = pending};
    call->deadline = library.g_get_monotonic_time() + (gint64)milliseconds * 1000;
    *pending += 1;
    *keyring->last = call;
    keyring->last = &call->next;
    // Where it fails the connection is closed, which is seen when the call is waited for.
    library.g_dbus_connection_send_message(keyring->connection, message,
                                           G_DBUS_SEND_MESSAGE_FLAGS_NONE, &call->serial, NULL);
    library.g_object_unref(message);
}

/// Takes a call out of those in flight.
static void land(Keyring *keyring, Call **link, CallState state) {
    Call *call = *link;
    *link = call->next;
    if (call->next == NULL)
        keyring->last = link;
    call->state = state;
    *call->pending -= 1;
}

static void take_answer(Keyring *keyring, GDBusMessage *message, CallState state) {
    const guint32 serial = library.g_dbus_message_get_reply_serial(message);
    Call **link = &keyring->first;
    while (*link != NULL && (*link)->serial != serial)
        link = &(*link)->next;
    Call *call = *link;
    // An answer to libsecret, or to a call that was given up.
    if (call == NULL)
        return;
    call->answer = (library.g_object_ref)(message);
    call->reply = library.g_dbus_message_get_body(message);
    land(keyring, link, state);
}

static void take(Keyring *keyring, GDBusMessage *message) {
    keyring->answers += is_answer(message);
    switch (library.g_dbus_message_get_message_type(message)) {
    case G_DBUS_MESSAGE_TYPE_METHOD_RETURN:
        take_answer(keyring, message, CallAnswered);
        break;
    case G_DBUS_MESSAGE_TYPE_ERROR:
        take_answer(keyring, message, CallRefused);
        break;
    case G_DBUS_MESSAGE_TYPE_SIGNAL:
        if (keyring->prompting != NULL)
            prompt_take_signal(keyring, message);
        break;
    default:
        break;
    }
    library.g_object_unref(message);
}

void calls_wait(Keyring *keyring, size_t wanted, gint64 until) {
    for (const Call *call = keyring->first; call != NULL; call = call->next)
        if (call->deadline < until)
            until = call->deadline;
    // Whatever the alarm is set to wakes the context: one that goes off too early costs less.
    if (until < keyring->alarm_time || keyring->alarm_time <= library.g_get_monotonic_time()) {
        keyring->alarm_time = until;
        library.g_source_set_ready_time(keyring->alarm, until);
    }
    // To be woken for each answer takes longer than to take it.
    const size_t wake_at = keyring->answers + wanted;
    atomic_store(&keyring->mailbox->wake_at, wake_at);
    const bool may_block = atomic_load(&keyring->mailbox->answers) < wake_at &&
                           !library.g_dbus_connection_is_closed(keyring->connection);
    library.g_main_context_push_thread_default(keyring->context);
    library.g_main_context_iteration(keyring->context, may_block);
    library.g_main_context_pop_thread_default(keyring->context);

    // Before the connection was closed answers may have come.
    const bool closed = library.g_dbus_connection_is_closed(keyring->connection);
    GDBusMessage *message;
    while ((message = library.g_async_queue_try_pop(keyring->mailbox->arrived)) != NULL)
        take(keyring, message);
    send_request(keyring);
    const gint64 now = library.g_get_monotonic_time();
    Call **link = &keyring->first;
    while (*link != NULL) {
        if (closed || (*link)->deadline <= now)
            land(keyring, link, closed ? CallCutOff : CallOverdue);
        else
            link = &(*link)->next;
    }
}

void calls_land_until(Keyring *keyring, const size_t *pending, size_t left) {
    while (*pending > left)
        calls_wait(keyring, *pending - left, G_MAXINT64);
}

void calls_land(Keyring *keyring, const size_t *pending) {
    calls_land_until(keyring, pending, 0);
}

void calls_give_up(Keyring *keyring, Call *calls, size_t count) {
    for (size_t index = 0; index < count; index++) {
        Call **link = &keyring->first;
        while (*link != NULL && *link != &calls[index])
            link = &(*link)->next;
        if (*link != NULL)
            land(keyring, link, CallOverdue);
        call_clear(&calls[index]);
    }
}

bool call_has_landed(const Call *call) { return call->state > CallFlying; }

const char *call_error(const Call *call) {
    return call->state == CallRefused ? library.g_dbus_message_get_error_name(call->answer) : NULL;
}

bool call_was_answered(const Call *call) { return call->state == CallAnswered; }

bool call_went_astray(const Keyring *keyring, const Call *call) {
    if (call->answer == NULL)
        return false;
    const char *sender = library.g_dbus_message_get_sender(call->answer);
    return sender == NULL || strcmp(sender, keyring->provider) != 0;
}

static KeyringOutcome fail_closed(Keyring *keyring) {
    return keyring_fail(keyring, KeyringOutcomeGone, "the session bus went away");
}

static KeyringOutcome fail_overdue(Keyring *keyring) {
    return keyring_fail(keyring, KeyringOutcomeTimedOut, "the keyring did not answer in time");
}

/// The outcome that the name of a D-Bus error stands for.
static KeyringOutcome fail_named(Keyring *keyring, const char *name) {
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
    const size_t count = sizeof known / sizeof *known;
    for (size_t index = 0; index < count; index++)
        if (strcmp(known[index].name, name) == 0)
            return keyring_fail(keyring, known[index].outcome, known[index].reason);
    // The provider's own message may quote what it was given: only its name is told.
    char reason[REASON_SIZE];
    snprintf(reason, sizeof reason, "the keyring answered with the error %s", name);
    return keyring_fail(keyring, KeyringOutcomeFailed, reason);
}

KeyringOutcome keyring_error(Keyring *keyring, const GError *error) {
    if (library.g_error_matches(error, library.g_io_error_quark(), G_IO_ERROR_CANCELLED))
        return fail_overdue(keyring);
    if (library.g_error_matches(error, library.g_io_error_quark(), G_IO_ERROR_INVALID_ARGUMENT))
        return keyring_wrong_type(keyring);
    char *name = library.g_dbus_error_get_remote_error(error);
    if (name != NULL) {
        const KeyringOutcome outcome = fail_named(keyring, name);
        library.g_free(name);
        return outcome;
    }
    if (library.g_dbus_connection_is_closed(keyring->connection))
        return fail_closed(keyring);
    // libsecret takes the name off an error, and leaves the provider's message, which may quote
    // what it was given.
    const bool is_ours =
        error->domain == library.g_io_error_quark() && error->code != G_IO_ERROR_DBUS_ERROR;
    return keyring_fail(keyring, KeyringOutcomeFailed,
                        is_ours ? error->message : "the keyring answered with an error");
}

static const char *reply_type(const Call *call) {
    return call->reply != NULL ? library.g_variant_get_type_string(call->reply) : "()";
}

KeyringOutcome call_outcome(Keyring *keyring, const Call *call, const char *type) {
    switch (call->state) {
    case CallAnswered:
        if (strcmp(reply_type(call), type) == 0)
            return KeyringOutcomeDone;
        return keyring_wrong_type(keyring);
    case CallRefused:
        return fail_named(keyring, call_error(call));
    case CallOverdue:
        return fail_overdue(keyring);
    case CallUnsent:
    case CallFlying:
    case CallCutOff:
        break;
    }
    return fail_closed(keyring);
}

void call_clear(Call *call) {
    if (call->answer != NULL)
        library.g_object_unref(call->answer);
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
