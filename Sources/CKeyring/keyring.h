/// What the files of CKeyring share: the connection, and calls in flight on it.

#ifndef KEYFOB_KEYRING_H
#define KEYFOB_KEYRING_H

#include "CKeyring.h"
#include "library.h"

#define SERVICE_NAME "org.freedesktop.secrets"
#define SERVICE_PATH "/org/freedesktop/secrets"
#define SERVICE_INTERFACE "org.freedesktop.Secret.Service"
#define COLLECTION_INTERFACE "org.freedesktop.Secret.Collection"
#define ITEM_INTERFACE "org.freedesktop.Secret.Item"
#define PROMPT_INTERFACE "org.freedesktop.Secret.Prompt"
#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"
#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

enum {
    CONNECT_MILLISECONDS = 2000,
    START_MILLISECONDS = 10000,
    CALL_MILLISECONDS = 5000,
    SESSION_ATTEMPTS = 3,
    REASON_SIZE = 512,
    /// In hexadecimal (D-Bus specification, "UUIDs").
    GUID_SIZE = 32,
};

typedef struct Mailbox Mailbox;

/// How far a call has come.
typedef enum CallState {
    CallUnsent,
    CallFlying,
    CallAnswered,
    /// Answered with an error.
    CallRefused,
    /// Not answered in time.
    CallOverdue,
    /// The connection was closed before there was an answer.
    CallCutOff,
} CallState;

/// A method call and, once it has landed, the answer.
typedef struct Call {
    CallState state;
    /// Counts the calls that have not landed.
    size_t *pending;
    guint32 serial;
    /// In microseconds of g_get_monotonic_time.
    gint64 deadline;
    GDBusMessage *answer;
    /// What the answer says, as long as it is kept; null if that is nothing.
    GVariant *reply;
    struct Call *next;
} Call;

struct Keyring {
    GMainContext *context;
    GDBusConnection *connection;
    Mailbox *mailbox;
    /// The calls in flight, as they were sent, and where the next one is put.
    Call *first;
    Call **last;
    /// How many answers have been taken from the mailbox.
    size_t answers;
    /// Wakes whoever waits.
    GSource *alarm;
    gint64 alarm_time;
    /// What is asked of the bus first; null once the provider has been found.
    struct Arrival *arrival;
    /// The provider's unique name, once it has been found: whatever takes its place later is not
    /// the one we talked to.
    char *provider;
    bool is_gnome_keyring;
    /// Whether the provider knows this client. gnome-keyring does once it has answered a search:
    /// a filter in GDBus's thread leaves the note of a new client to an idle source of the main
    /// loop, which may run after the call that it is for (gkd-secret-service.c,
    /// ensure_client_for_sender).
    bool is_known;
    /// Holds the session, once one is open or being opened.
    SecretService *service;
    /// The session that is being opened; null if none is.
    struct Opening *opening;
    /// The prompt that is shown; null if none is.
    struct Prompting *prompting;
    char reason[REASON_SIZE];
};

/// A socket that a bus of this user's, or of root's, listens at.
typedef struct BusSocket {
    int file;
    /// The id that the bus must have; empty where its address names none.
    char guid[GUID_SIZE + 1];
} BusSocket;

/// Connects to the first place in an address at which this user or root listens, and sends
/// nothing. Absent only if nobody listens at any of them; the reason is kept.
KeyringOutcome bus_socket_open(Keyring *keyring, const char *address, BusSocket *bus);

/// Asks to be let in. What cannot be sent is seen when the answer is waited for.
void bus_socket_greet(const BusSocket *bus);

/// Returns when the bus has let this process in; nothing that comes after that has been read.
/// Failed where the bus wants another proof of who this is, and GLib may give it or say why not.
KeyringOutcome bus_socket_enter(Keyring *keyring, const BusSocket *bus);

/// Done if this is the id that the bus must have; else the reason is kept.
KeyringOutcome bus_socket_expect(Keyring *keyring, const BusSocket *bus, const char *guid,
                                 size_t length);

/// Begins to take messages from the connection.
void calls_begin(Keyring *keyring);

/// The provider knows this client now: what libsecret wants to say to it is sent.
void calls_become_known(Keyring *keyring);

/// Forgets what libsecret wants to say and has not been sent.
void calls_drop_request(Keyring *keyring);

/// Sends a call. Its arguments are consumed. `pending` is one more until it has landed.
void call_send(Keyring *keyring, Call *call, size_t *pending, const char *destination,
               const char *path, const char *interface, const char *method, GVariant *arguments,
               int milliseconds);

/// Waits until so many answers have come, or something else, or the time has (in microseconds of
/// g_get_monotonic_time; G_MAXINT64 is as long as any call may take). It may return before that.
void calls_wait(Keyring *keyring, size_t answers, gint64 until);

/// Waits until every call has landed.
void calls_land(Keyring *keyring, const size_t *pending);

/// Waits until so many calls, at most, have not landed.
void calls_land_until(Keyring *keyring, const size_t *pending, size_t left);

/// Clears calls whose answers are not wanted any more, landed or not.
void calls_give_up(Keyring *keyring, Call *calls, size_t count);

bool call_has_landed(const Call *call);

/// Whether it was answered, and not with an error.
bool call_was_answered(const Call *call);

/// The name of the error it was answered with; null if it was not.
const char *call_error(const Call *call);

/// Whether the answer, if there was one, is not the provider's.
bool call_went_astray(const Keyring *keyring, const Call *call);

/// The outcome of a call that has landed; its reply must be of the type. The reply stays the
/// caller's, to be given to call_clear; the reason is kept.
KeyringOutcome call_outcome(Keyring *keyring, const Call *call, const char *type);

/// Frees what the call brought.
void call_clear(Call *call);

/// Sends one call to the provider and waits for it.
KeyringOutcome call_provider(Keyring *keyring, Call *call, const char *path,
                             const char *interface, const char *method, GVariant *arguments,
                             const char *type);

/// Keeps the reason for an outcome and returns the outcome.
KeyringOutcome keyring_fail(Keyring *keyring, KeyringOutcome outcome, const char *reason);

/// The outcome of an answer that is of another type than it must be.
KeyringOutcome keyring_wrong_type(Keyring *keyring);

/// The outcome that an error of libsecret's stands for. The reason is kept.
KeyringOutcome keyring_error(Keyring *keyring, const GError *error);

/// A signal has come while a prompt is shown.
void prompt_take_signal(Keyring *keyring, GDBusMessage *signal);

/// Returns when the session is open.
KeyringOutcome keyring_open_session(Keyring *keyring);

/// A copy of a prompt's or an object's path; null for "/", which stands for none.
char *path_copy(const char *path);

#endif
