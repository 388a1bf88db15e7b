/// A client of the D-Bus Secret Service, without a type of GLib in sight.
///
/// Messages go over GDBus; the session that encrypts secrets, and the memory they are kept in, are
/// libsecret's. libsecret is opened at run time, so that a program which contains this also runs
/// where there is none.
///
/// libsecret's own calls are not used beyond that. In 0.20.5 and in its main branch of 2026 a
/// prompt whose provider dies never ends, with or without a GCancellable, and a refused one is
/// reported as success (libsecret/secret-service.c, on_real_prompt_completed). Here the prompt is
/// a step of its own, which the caller decides on, and it always ends.
///
/// The first thing that a provider is to hear is a search. gnome-keyring (42 to 50) may take a client's
/// first call before it has made a note of the client: it refuses a search then, which is made again,
/// but it denies that there is a default collection, and ends itself over OpenSession.
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

/// A search, on its way.
typedef struct KeyringSearch KeyringSearch;

/// The deletion of an item, on its way.
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

/// A name and its value: UTF-8, ending in NUL.
typedef struct KeyringAttribute {
    const char *name;
    const char *value;
} KeyringAttribute;

/// The attributes of one search.
typedef struct KeyringPattern {
    const KeyringAttribute *attributes;
    size_t count;
} KeyringPattern;

/// An item as a search finds it.
typedef struct KeyringHit {
    char *path;
    bool locked;
} KeyringHit;

/// What a search found; an item more than once where several patterns match it.
typedef struct KeyringHits {
    KeyringHit *_Nullable items;
    size_t count;
} KeyringHits;

/// What is read of an item. gnome-keyring 42 takes a quarter of the time for the attributes alone.
typedef enum __attribute__((enum_extensibility(closed))) KeyringDetail : int {
    KeyringDetailAttributes,
    /// Label and time, too.
    KeyringDetailAll,
} KeyringDetail;

/// What an item says about itself. `readable` is false for one that is not there any more, or that
/// has no attributes.
typedef struct KeyringItem {
    bool readable;
    char *_Nullable label;
    /// Seconds since 1970; 0 where the provider does not know.
    uint64_t modified;
    KeyringAttribute *_Nullable attributes;
    size_t count;
} KeyringItem;

/// A secret in libsecret's memory. `bytes` is null where the provider gave none.
typedef struct KeyringSecret {
    const uint8_t *_Nullable bytes;
    size_t count;
    void *_Nullable owner;
} KeyringSecret;

/// A collection of items.
typedef struct KeyringCollection {
    char *path;
    char *label;
    bool locked;
    size_t item_count;
} KeyringCollection;

typedef struct KeyringCollections {
    KeyringCollection *_Nullable items;
    size_t count;
} KeyringCollections;

/// Connects to the bus at `address` and asks for the provider. Without `for_secrets` it does without
/// libsecret, and neither gets nor stores a secret. On any outcome but done, `*keyring` is null and
/// `reason` (at most `size` bytes) says why.
KeyringOutcome keyring_open(const char *address, bool for_secrets,
                            Keyring *_Nullable *_Nonnull keyring, char *reason, size_t size);

/// Returns when the provider has been found, which the bus starts if it can. A search and a session
/// may be begun before that, so that they are under way meanwhile; all else comes after it.
KeyringOutcome keyring_arrive(Keyring *keyring);

/// Drops the connection.
void keyring_close(Keyring *keyring);

/// Why the last call did not end in done: one line, valid until the next call.
const char *keyring_reason(const Keyring *keyring);

/// Whether the provider, which has been found, is known to find items in locked collections, by their attributes:
/// gnome-keyring, which also owns the bus name org.gnome.keyring.
bool keyring_finds_locked_items(const Keyring *keyring);

/// Asks the bus whether the provider, which has been found, owns this name, too.
bool keyring_provider_owns(Keyring *keyring, const char *name);

/// The number of the provider's process, or 0 where the bus does not tell.
uint32_t keyring_provider_process(Keyring *keyring);

/// Begins to find the items that carry all the attributes of any of the patterns, and does not wait
/// for them: all searches are in flight at once. The caller finishes it.
KeyringSearch *keyring_begin_search(Keyring *keyring, const KeyringPattern *patterns,
                                    size_t count);

/// Begins to open the session in which secrets are encrypted, unless that has begun: agreeing on its
/// keys takes as long as all the rest of a get. The provider is asked once it has answered a search,
/// so one must have begun. If it fails, the call that needs it says so.
void keyring_begin_session(Keyring *keyring);

/// Frees a search whose answer is not wanted.
void keyring_drop_search(Keyring *keyring, KeyringSearch *search);

/// Waits for a search for the same patterns, and frees it. The caller frees the hits.
KeyringOutcome keyring_finish_search(Keyring *keyring, KeyringSearch *search,
                                     const KeyringPattern *patterns, size_t count,
                                     KeyringHits *hits);
void keyring_hits_free(KeyringHits *hits);

/// Reads `count` items into `items`, many calls in flight at once. Items that are gone are marked
/// so. The caller frees the items.
KeyringOutcome keyring_read(Keyring *keyring, const char *const _Nonnull *_Nonnull paths,
                            size_t count, KeyringDetail detail, KeyringItem *items);
void keyring_items_free(KeyringItem *items, size_t count);

/// Reads `count` items and gets their secrets, all in flight at once: for a few, which are likely
/// to be wanted. The caller frees both.
KeyringOutcome keyring_fetch(Keyring *keyring, const char *const _Nonnull *_Nonnull paths,
                             size_t count, KeyringDetail detail, KeyringItem *items,
                             KeyringSecret *secrets);

/// Forgets the session in which secrets are encrypted: the next call that needs one opens another,
/// with other keys.
void keyring_drop_session(Keyring *keyring);

/// Gets the secrets of `count` items, in the order of the paths. The caller frees the secrets,
/// which wipes them.
KeyringOutcome keyring_load(Keyring *keyring, const char *const _Nonnull *_Nonnull paths,
                            size_t count, KeyringSecret *secrets);
void keyring_secrets_free(KeyringSecret *secrets, size_t count);

/// Asks for the objects (items or collections) to be unlocked. If `*prompt` is not null, nothing
/// is unlocked until that prompt has been shown. Whether they are unlocked now is for the caller
/// to look at.
KeyringOutcome keyring_unlock(Keyring *keyring, const char *const _Nonnull *_Nonnull paths,
                              size_t count, char *_Nullable *_Nonnull prompt);

/// Shows a prompt and waits until it was answered, for at most `seconds`. Declined where the user
/// said no.
KeyringOutcome keyring_prompt(Keyring *keyring, const char *prompt, unsigned seconds);

/// Creates an item beside any that is there already. `*path` is the new item, or null where a
/// prompt comes first.
KeyringOutcome keyring_create(Keyring *keyring, const char *collection, const char *label,
                              const KeyringAttribute *attributes, size_t count,
                              const uint8_t *secret, size_t length,
                              char *_Nullable *_Nonnull path, char *_Nullable *_Nonnull prompt);

/// Replaces the secret of an item and nothing else.
KeyringOutcome keyring_set_secret(Keyring *keyring, const char *path, const uint8_t *secret,
                                  size_t length);

/// Replaces the label and the attributes of an item.
KeyringOutcome keyring_describe(Keyring *keyring, const char *path, const char *label,
                                const KeyringAttribute *attributes, size_t count);

/// Sends the deletion of an item, and does not wait for it. The caller finishes it.
KeyringDeletion *keyring_begin_delete(Keyring *keyring, const char *path);

/// Waits for a deletion, and frees it.
KeyringOutcome keyring_finish_delete(Keyring *keyring, KeyringDeletion *deletion,
                                     char *_Nullable *_Nonnull prompt);

/// The path of the collection that has this alias, or null if none has.
KeyringOutcome keyring_read_alias(Keyring *keyring, const char *alias,
                                  char *_Nullable *_Nonnull path);

/// All collections. The caller frees them.
KeyringOutcome keyring_collections(Keyring *keyring, KeyringCollections *collections);
void keyring_collections_free(KeyringCollections *collections);

/// Frees a path or a prompt that a call gave.
void keyring_free(char *_Nullable text);

#pragma clang assume_nonnull end

#endif
