/// A client of the D-Bus Secret Service, whose interface uses no type of GLib.
///
/// Messages go over GDBus. From libsecret it uses only the session that encrypts secrets, and the
/// memory that holds them. Both libraries are opened at run time, so that a program which contains
/// this also runs where they are missing.
///
/// The first call to a provider must be a search, and no other call may follow until it has
/// answered one (search.c gives the reason).
///
/// Texts are UTF-8 and end in NUL. Attributes are a list of names, each followed by its value;
/// their count is that of the names.
///
/// Every call ends within its deadline: the authentication by the bus 2 s, its first replies 2 s,
/// the start of the provider 10 s, any other call 5 s, a prompt the time that the caller gives. A
/// Keyring belongs to one thread at a time.

#ifndef KEYFOB_CKEYRING_H
#define KEYFOB_CKEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// A connection to the user's Secret Service.
typedef struct Keyring Keyring;

/// A search that has been sent.
typedef struct KeyringSearch KeyringSearch;

/// The deletion of an item, which has been sent.
typedef struct KeyringDeletion KeyringDeletion;

/// The outcome of a call.
typedef enum __attribute__((enum_extensibility(closed))) KeyringOutcome : int {
    KeyringOutcomeDone,
    /// There is no bus, no provider, no libsecret, or no such collection. A libsecret that is
    /// installed and does not load is a failure.
    KeyringOutcomeAbsent,
    /// The collection is locked.
    KeyringOutcomeLocked,
    /// The user declined a prompt.
    KeyringOutcomeDeclined,
    KeyringOutcomeTimedOut,
    /// The provider or the bus went away.
    KeyringOutcomeGone,
    /// The item does not exist, or no longer exists.
    KeyringOutcomeNoSuchItem,
    /// The bus, or the provider, does not let this process in. Or the bus cannot be trusted with a
    /// secret, since neither this user nor root listens there, or it is not the bus that was named.
    KeyringOutcomeRefused,
    /// The provider's reply is not as the protocol says: it may have done what it was told.
    KeyringOutcomeWrongType,
    KeyringOutcomeFailed,
} KeyringOutcome;

/// Takes an item that a search found. It is called more than once for an item that several patterns
/// match.
typedef void KeyringHitHandler(void *context, const char *path, bool locked);

/// The parts of an item that are read. gnome-keyring 42 takes a quarter of the time for the
/// attributes alone.
typedef enum __attribute__((flag_enum)) KeyringParts : unsigned {
    KeyringPartsAttributes = 1,
    /// The label and the time, together with the attributes.
    KeyringPartsDetails = 2,
    KeyringPartsSecret = 4,
} KeyringParts;

/// The parts that were read of an item. They are valid until the handler returns.
typedef struct KeyringItem {
    /// Null if the item no longer exists, or has none.
    const char *const _Nonnull *_Nullable attributes;
    size_t count;
    const char *_Nullable label;
    /// Seconds since 1970; 0 if the provider does not know.
    uint64_t modified;
    /// The secret, in libsecret's memory, which wipes it; null if the provider gave none.
    const uint8_t *_Nullable secret;
    size_t secret_length;
    void *_Nullable owner;
} KeyringItem;

typedef void KeyringItemHandler(void *context, const KeyringItem *item);

typedef void KeyringCollectionHandler(void *context, const char *path, const char *_Nullable label,
                                      bool locked, size_t item_count);

/// Connects to the bus at `address` and asks for the provider. Without `for_secrets` it does not
/// open libsecret, and can neither read nor store a secret. The caller closes `*keyring`, whatever
/// the outcome.
KeyringOutcome keyring_open(const char *address, bool for_secrets,
                            Keyring *_Nullable *_Nonnull keyring);

/// Returns true if the connection can be used again: the provider is the same as before, and
/// libsecret is open if `for_secrets` is true.
bool keyring_resume(Keyring *keyring, bool for_secrets);

/// Closes the connection and frees the Keyring.
void keyring_close(Keyring *keyring);

/// Returns the reason why the last call did not end in done: one line. This, and the paths and
/// prompts that calls return, are valid until the next call.
const char *keyring_reason(const Keyring *keyring);

/// Waits until the provider has been found; the bus starts it if it can. A search and a session may
/// be begun before that, so that they proceed meanwhile; all other calls come after it.
KeyringOutcome keyring_find_provider(Keyring *keyring);

/// Returns true if the provider, which has been found, is known to find items of locked collections
/// by their attributes. Only gnome-keyring is; it also owns the bus name org.gnome.keyring.
bool keyring_finds_locked_items(const Keyring *keyring);

/// Returns true if the provider, which has been found, also owns this name. Asks the bus.
bool keyring_provider_owns(Keyring *keyring, const char *name);

/// Returns the process id of the provider, or 0 if the bus does not tell it.
uint32_t keyring_provider_process(Keyring *keyring);

/// Sends a search for the items that have all the attributes of any of `count` patterns, and does
/// not wait. `attributes` are those of all patterns, one after the other; `counts` has the number
/// of attributes of each pattern. The caller finishes or cancels the search.
KeyringSearch *keyring_begin_search(Keyring *keyring,
                                    const char *const _Nonnull *_Nonnull attributes,
                                    const size_t *counts, size_t count);

/// Waits for a search, passes the items that it found to `give`, and frees it.
KeyringOutcome keyring_finish_search(Keyring *keyring, KeyringSearch *search,
                                     KeyringHitHandler *give, void *context);

/// Frees a search whose reply is not wanted.
void keyring_cancel_search(Keyring *keyring, KeyringSearch *search);

/// Begins to open the session that encrypts secrets, unless that has begun: the agreement on its
/// keys takes as long as all the rest of a get. A search must have begun. A failure is reported by
/// the call that needs the session.
void keyring_begin_session(Keyring *keyring);

/// Forgets the session that encrypts secrets. The next call that needs a session opens another one,
/// with other keys.
void keyring_drop_session(Keyring *keyring);

/// Reads `count` items, and passes them to `give` in the order of their paths.
KeyringOutcome keyring_read(Keyring *keyring, const char *const _Nonnull *_Nonnull paths,
                            size_t count, KeyringParts parts, KeyringItemHandler *give,
                            void *context);

/// Asks for the objects (items or collections) to be unlocked. If `*prompt` is not null, nothing is
/// unlocked until that prompt has been shown. The caller must check if they are unlocked then.
KeyringOutcome keyring_unlock(Keyring *keyring, const char *const _Nonnull *_Nonnull paths,
                              size_t count, const char *_Nullable *_Nonnull prompt);

/// Asks for the collections to be locked, in the same way.
KeyringOutcome keyring_lock(Keyring *keyring, const char *const _Nonnull *_Nonnull paths,
                            size_t count, const char *_Nullable *_Nonnull prompt);

/// Unlocks a collection of gnome-keyring with its password, without a prompt. `*is_wrong` is true,
/// and the outcome done, if the password is wrong.
KeyringOutcome keyring_unlock_with_password(Keyring *keyring, const char *path,
                                            const uint8_t *password, size_t length,
                                            bool *is_wrong);

/// Shows a prompt and waits until it is answered, for at most `seconds`. The outcome is declined if
/// the user refused.
KeyringOutcome keyring_prompt(Keyring *keyring, const char *prompt, unsigned seconds);

/// Creates an item beside any existing one. `*path` is the new item, or null if `*prompt` must be
/// shown first.
KeyringOutcome keyring_create(Keyring *keyring, const char *collection, const char *label,
                              const char *const _Nonnull *_Nonnull attributes, size_t count,
                              const uint8_t *secret, size_t length,
                              const char *_Nullable *_Nonnull path, const char *_Nullable *_Nonnull prompt);

/// Replaces the secret of an item and nothing else.
KeyringOutcome keyring_set_secret(Keyring *keyring, const char *path, const uint8_t *secret,
                                  size_t length);

/// Replaces the label and the attributes of an item.
KeyringOutcome keyring_describe(Keyring *keyring, const char *path, const char *label,
                                const char *const _Nonnull *_Nonnull attributes, size_t count);

/// Sends the deletion of an item, and does not wait. The caller finishes it.
KeyringDeletion *keyring_begin_delete(Keyring *keyring, const char *path);

/// Waits for a deletion, and frees it.
KeyringOutcome keyring_finish_delete(Keyring *keyring, KeyringDeletion *deletion,
                                     const char *_Nullable *_Nonnull prompt);

/// Sets `*path` to the path of the collection that has this alias, or to null if none has.
KeyringOutcome keyring_read_alias(Keyring *keyring, const char *alias,
                                  const char *_Nullable *_Nonnull path);

/// Passes all collections to `give`.
KeyringOutcome keyring_collections(Keyring *keyring, KeyringCollectionHandler *give,
                                   void *context);

#pragma clang assume_nonnull end

#endif
