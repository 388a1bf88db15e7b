/// A client of the D-Bus Secret Service, without a type of GLib in sight.
///
/// Messages go over GDBus; the session that encrypts secrets, and the memory they are kept in, are
/// libsecret's, and no more of it is used. Both are opened at run time, so that a program which
/// contains this also runs where they are missing.
///
/// A provider is sent a search first, and nothing else until it has answered one (search.c says
/// why): the caller's first call that asks the provider for something must be a search.
///
/// Texts are UTF-8 and end in NUL. Attributes are a list of names, each with its value behind it;
/// their count is that of the names.
///
/// Every call ends within its deadline: being let in by the bus 2 s, its first answers 2 s, starting
/// the provider 10 s, any other call 5 s, a prompt as long as the caller says. A Keyring belongs to
/// one thread at a time.

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

/// How a call ended.
typedef enum __attribute__((enum_extensibility(closed))) KeyringOutcome : int {
    KeyringOutcomeDone,
    /// There is no bus, no provider, no libsecret, or no such collection. A libsecret that is there
    /// and does not load is a failure.
    KeyringOutcomeAbsent,
    /// The collection is locked.
    KeyringOutcomeLocked,
    /// A prompt was answered with no.
    KeyringOutcomeDeclined,
    KeyringOutcomeTimedOut,
    /// The provider or the bus went away.
    KeyringOutcomeGone,
    /// The item is not there, or not there any more.
    KeyringOutcomeNoSuchItem,
    /// The bus, or the provider, does not let this process in; or the bus is not one to trust with a
    /// secret, since neither this user nor root listens there, or not the bus that was named.
    KeyringOutcomeRefused,
    /// The provider answered, and not as the protocol says: it may have done what it was told.
    KeyringOutcomeWrongType,
    KeyringOutcomeFailed,
} KeyringOutcome;

/// Takes an item that a search found; it is given more than once where several patterns match it.
typedef void KeyringHitHandler(void *context, const char *path, bool locked);

/// What is read of an item. gnome-keyring 42 takes a quarter of the time for the attributes alone.
typedef enum __attribute__((flag_enum)) KeyringParts : unsigned {
    KeyringPartsAttributes = 1,
    /// Label and time, and the attributes with them.
    KeyringPartsDetails = 2,
    KeyringPartsSecret = 4,
} KeyringParts;

/// What was read of an item. It is valid until the handler returns.
typedef struct KeyringItem {
    /// Null for one that is not there any more, or has none.
    const char *const _Nonnull *_Nullable attributes;
    size_t count;
    const char *_Nullable label;
    /// Seconds since 1970; 0 where the provider does not know.
    uint64_t modified;
    /// In libsecret's memory, which wipes it; null where the provider gave none.
    const uint8_t *_Nullable secret;
    size_t secret_length;
    void *_Nullable owner;
} KeyringItem;

typedef void KeyringItemHandler(void *context, const KeyringItem *item);

typedef void KeyringCollectionHandler(void *context, const char *path, const char *_Nullable label,
                                      bool locked, size_t item_count);

/// Connects to the bus at `address` and asks for the provider. Without `for_secrets` it does without
/// libsecret, and neither gets nor stores a secret. The caller closes `*keyring`, whatever the outcome.
KeyringOutcome keyring_open(const char *address, bool for_secrets,
                            Keyring *_Nullable *_Nonnull keyring);

/// Returns true if the connection serves on: the provider is the same as before, and libsecret is
/// open where it is wanted.
bool keyring_resume(Keyring *keyring, bool for_secrets);

/// Drops the connection.
void keyring_close(Keyring *keyring);

/// Why the last call did not end in done: one line. This, and the paths and prompts that calls give,
/// are valid until the next call.
const char *keyring_reason(const Keyring *keyring);

/// Returns when the provider has been found, which the bus starts if it can. A search and a session
/// may be begun before that, so that they are under way meanwhile; all else comes after it.
KeyringOutcome keyring_find_provider(Keyring *keyring);

/// Whether the provider, which has been found, is known to find items in locked collections, by their attributes:
/// gnome-keyring, which also owns the bus name org.gnome.keyring.
bool keyring_finds_locked_items(const Keyring *keyring);

/// Asks the bus whether the provider, which has been found, owns this name, too.
bool keyring_provider_owns(Keyring *keyring, const char *name);

/// The number of the provider's process, or 0 where the bus does not tell.
uint32_t keyring_provider_process(Keyring *keyring);

/// Sends a search for the items that carry all the attributes of any of `count` patterns, and does
/// not wait. `attributes` are those of all patterns, one after the other; `counts` says how many each
/// has. The caller finishes or cancels it.
KeyringSearch *keyring_begin_search(Keyring *keyring,
                                    const char *const _Nonnull *_Nonnull attributes,
                                    const size_t *counts, size_t count);

/// Waits for a search, gives what it found, and frees it.
KeyringOutcome keyring_finish_search(Keyring *keyring, KeyringSearch *search,
                                     KeyringHitHandler *give, void *context);

/// Frees a search whose answer is not wanted.
void keyring_cancel_search(Keyring *keyring, KeyringSearch *search);

/// Begins to open the session in which secrets are encrypted, unless that has begun: agreeing on its
/// keys takes as long as all the rest of a get. A search must have begun. If it fails, the call that
/// needs it says so.
void keyring_begin_session(Keyring *keyring);

/// Forgets the session in which secrets are encrypted: the next call that needs one opens another,
/// with other keys.
void keyring_drop_session(Keyring *keyring);

/// Reads `count` items, and gives them in the order of their paths.
KeyringOutcome keyring_read(Keyring *keyring, const char *const _Nonnull *_Nonnull paths,
                            size_t count, KeyringParts parts, KeyringItemHandler *give,
                            void *context);

/// Asks for the objects (items or collections) to be unlocked. If `*prompt` is not null, nothing
/// is unlocked until that prompt has been shown. Whether they are unlocked now is for the caller
/// to look at.
KeyringOutcome keyring_unlock(Keyring *keyring, const char *const _Nonnull *_Nonnull paths,
                              size_t count, const char *_Nullable *_Nonnull prompt);

/// Shows a prompt and waits until it was answered, for at most `seconds`. Declined where the user
/// said no.
KeyringOutcome keyring_prompt(Keyring *keyring, const char *prompt, unsigned seconds);

/// Creates an item beside any that is there already. `*path` is the new item, or null where a
/// prompt comes first.
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

/// The path of the collection that has this alias, or null if none has.
KeyringOutcome keyring_read_alias(Keyring *keyring, const char *alias,
                                  const char *_Nullable *_Nonnull path);

/// Gives all collections.
KeyringOutcome keyring_collections(Keyring *keyring, KeyringCollectionHandler *give,
                                   void *context);

#pragma clang assume_nonnull end

#endif
