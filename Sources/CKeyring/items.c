/// What can be asked of the Secret Service about collections, items and their secrets.

#include "keyring.h"

#include <stdlib.h>
#include <string.h>

static void *allocate(size_t count, size_t size) {
    void *memory = calloc(count > 0 ? count : 1, size);
    if (memory == NULL)
        abort();
    return memory;
}

static char *copy(const char *text) {
    char *copied = strdup(text);
    if (copied == NULL)
        abort();
    return copied;
}

// Searching.

/// So many calls are in flight at once: a bus limits how many a connection may have (dbus-daemon
/// 1.14: 128, unless its configuration says otherwise), and each call has its deadline.
enum { BATCH = 100 };

static GVariant *attributes_variant(const KeyringAttribute *attributes, size_t count) {
    GVariantBuilder builder;
    library.g_variant_builder_init(&builder, (const GVariantType *)"a{ss}");
    for (size_t index = 0; index < count; index++)
        library.g_variant_builder_add(&builder, "{ss}", attributes[index].name,
                                      attributes[index].value);
    return library.g_variant_builder_end(&builder);
}

/// Adds the paths of an `ao`.
static void hits_add(KeyringHits *hits, size_t *capacity, GVariant *paths, bool locked) {
    const size_t count = library.g_variant_n_children(paths);
    for (size_t index = 0; index < count; index++) {
        GVariant *child = library.g_variant_get_child_value(paths, index);
        if (hits->count == *capacity) {
            *capacity = *capacity > 0 ? *capacity * 2 : 8;
            hits->items = realloc(hits->items, *capacity * sizeof *hits->items);
            if (hits->items == NULL)
                abort();
        }
        hits->items[hits->count++] =
            (KeyringHit){copy(library.g_variant_get_string(child, NULL)), locked};
        library.g_variant_unref(child);
    }
}

struct KeyringSearch {
    Call calls[BATCH];
    size_t count;
    size_t pending;
    /// Whether it was sent when the provider had not been found.
    bool is_early;
};

/// Sends searches, as many as may be in flight at once.
static KeyringSearch *begin_search(Keyring *keyring, const KeyringPattern *patterns,
                                   size_t count) {
    KeyringSearch *search = allocate(1, sizeof *search);
    search->count = count < BATCH ? count : BATCH;
    search->is_early = keyring->provider == NULL;
    const char *provider = search->is_early ? SERVICE_NAME : keyring->provider;
    for (size_t index = 0; index < search->count; index++)
        call_send(keyring, &search->calls[index], &search->pending, provider,
                  SERVICE_PATH, SERVICE_INTERFACE, "SearchItems",
                  library.g_variant_new("(@a{ss})", attributes_variant(patterns[index].attributes,
                                                                       patterns[index].count)),
                  CALL_MILLISECONDS);
    return search;
}

/// Waits for the searches that were sent. The first answer makes this client known, for which the
/// request for a session may be waiting.
static void land_batch(Keyring *keyring, KeyringSearch *search) {
    for (;;) {
        for (size_t index = 0; index < search->count && !keyring->is_known; index++)
            if (call_was_answered(&search->calls[index]) &&
                !call_went_astray(keyring, &search->calls[index]))
                calls_become_known(keyring);
        if (search->pending == 0)
            return;
        const bool is_waited_for = !keyring->is_known && keyring->opening != NULL;
        calls_land_until(keyring, &search->pending, is_waited_for ? search->pending - 1 : 0);
    }
}

/// Adds what the searches find that were sent, and frees them.
static KeyringOutcome finish_batch(Keyring *keyring, KeyringSearch *search, KeyringHits *hits,
                                   size_t *capacity) {
    land_batch(keyring, search);
    KeyringOutcome outcome = KeyringOutcomeDone;
    for (size_t index = 0; index < search->count; index++) {
        Call *call = &search->calls[index];
        if (outcome == KeyringOutcomeDone)
            outcome = call_outcome(keyring, call, "(aoao)");
        if (outcome == KeyringOutcomeDone) {
            GVariant *unlocked = library.g_variant_get_child_value(call->reply, 0);
            GVariant *locked = library.g_variant_get_child_value(call->reply, 1);
            hits_add(hits, capacity, unlocked, false);
            hits_add(hits, capacity, locked, true);
            library.g_variant_unref(unlocked);
            library.g_variant_unref(locked);
        }
        call_clear(call);
    }
    free(search);
    return outcome;
}

/// Finishes a search that has begun with the first of the patterns, and makes the others.
static KeyringOutcome finish_search(Keyring *keyring, KeyringSearch *search,
                                    const KeyringPattern *patterns, size_t count,
                                    KeyringHits *hits) {
    *hits = (KeyringHits){0};
    size_t capacity = 0;
    size_t sent = search->count;
    KeyringOutcome outcome = finish_batch(keyring, search, hits, &capacity);
    while (outcome == KeyringOutcomeDone && sent < count) {
        search = begin_search(keyring, patterns + sent, count - sent);
        sent += search->count;
        outcome = finish_batch(keyring, search, hits, &capacity);
    }
    if (outcome != KeyringOutcomeDone)
        keyring_hits_free(hits);
    return outcome;
}

KeyringSearch *keyring_begin_search(Keyring *keyring, const KeyringPattern *patterns,
                                    size_t count) {
    return begin_search(keyring, patterns, count);
}

void keyring_drop_search(Keyring *keyring, KeyringSearch *search) {
    calls_give_up(keyring, search->calls, search->count);
    free(search);
}

/// Whether a search was not answered by the provider: it was sent when that had not been found, and
/// went to nobody, or to one that had the name for a moment.
static bool went_astray(Keyring *keyring, KeyringSearch *search) {
    if (!search->is_early)
        return false;
    land_batch(keyring, search);
    for (size_t index = 0; index < search->count; index++)
        if (call_went_astray(keyring, &search->calls[index]))
            return true;
    return false;
}

KeyringOutcome keyring_finish_search(Keyring *keyring, KeyringSearch *search,
                                     const KeyringPattern *patterns, size_t count,
                                     KeyringHits *hits) {
    *hits = (KeyringHits){0};
    KeyringOutcome outcome = keyring_arrive(keyring);
    if (outcome != KeyringOutcomeDone) {
        keyring_drop_search(keyring, search);
        return outcome;
    }
    if (went_astray(keyring, search)) {
        keyring_drop_search(keyring, search);
        search = begin_search(keyring, patterns, count);
    }
    outcome = finish_search(keyring, search, patterns, count, hits);
    // That is how gnome-keyring refuses a client that it does not know yet.
    if (outcome == KeyringOutcomeNoSuchItem)
        outcome = finish_search(keyring, begin_search(keyring, patterns, count), patterns, count,
                                hits);
    if (outcome == KeyringOutcomeNoSuchItem)
        outcome = keyring_fail(keyring, KeyringOutcomeFailed, "the keyring does not search");
    return outcome;
}

void keyring_hits_free(KeyringHits *hits) {
    for (size_t index = 0; index < hits->count; index++)
        free(hits->items[index].path);
    free(hits->items);
    *hits = (KeyringHits){0};
}

// Reading.

static void item_fill_attributes(KeyringItem *item, GVariant *attributes) {
    item->readable = true;
    item->count = library.g_variant_n_children(attributes);
    item->attributes = allocate(item->count, sizeof *item->attributes);
    for (size_t index = 0; index < item->count; index++) {
        GVariant *entry = library.g_variant_get_child_value(attributes, index);
        const char *name, *value;
        library.g_variant_get(entry, "{&s&s}", &name, &value);
        item->attributes[index] = (KeyringAttribute){copy(name), copy(value)};
        library.g_variant_unref(entry);
    }
}

static void item_fill(KeyringItem *item, GVariant *properties) {
    GVariant *attributes = library.g_variant_lookup_value(properties, "Attributes",
                                                          (const GVariantType *)"a{ss}");
    GVariant *label =
        library.g_variant_lookup_value(properties, "Label", (const GVariantType *)"s");
    GVariant *modified =
        library.g_variant_lookup_value(properties, "Modified", (const GVariantType *)"t");
    if (attributes != NULL) {
        item_fill_attributes(item, attributes);
        library.g_variant_unref(attributes);
    }
    if (label != NULL) {
        item->label = copy(library.g_variant_get_string(label, NULL));
        library.g_variant_unref(label);
    }
    if (modified != NULL) {
        item->modified = library.g_variant_get_uint64(modified);
        library.g_variant_unref(modified);
    }
}

/// Asks for what is to be read of an item.
static void ask_item(Keyring *keyring, Call *call, size_t *pending, const char *path,
                     KeyringDetail detail) {
    if (detail == KeyringDetailAttributes)
        call_send(keyring, call, pending, keyring->provider, path, PROPERTIES_INTERFACE, "Get",
                  library.g_variant_new("(ss)", ITEM_INTERFACE, "Attributes"),
                  CALL_MILLISECONDS);
    else
        call_send(keyring, call, pending, keyring->provider, path, PROPERTIES_INTERFACE, "GetAll",
                  library.g_variant_new("(s)", ITEM_INTERFACE), CALL_MILLISECONDS);
}

/// Takes the answer to that.
static KeyringOutcome take_item(Keyring *keyring, const Call *call, KeyringDetail detail,
                                KeyringItem *item) {
    KeyringOutcome outcome =
        call_outcome(keyring, call, detail == KeyringDetailAttributes ? "(v)" : "(a{sv})");
    if (outcome != KeyringOutcomeDone)
        return outcome;
    GVariant *answer = library.g_variant_get_child_value(call->reply, 0);
    if (detail == KeyringDetailAttributes) {
        GVariant *attributes = library.g_variant_get_variant(answer);
        if (strcmp(library.g_variant_get_type_string(attributes), "a{ss}") == 0)
            item_fill_attributes(item, attributes);
        library.g_variant_unref(attributes);
    } else {
        item_fill(item, answer);
    }
    library.g_variant_unref(answer);
    return KeyringOutcomeDone;
}

/// Takes the answers that have come, in order, up to the first that has not or is a failure. An
/// item that is gone stays as it is.
static KeyringOutcome take_items(Keyring *keyring, Call *calls, size_t *taken, size_t count,
                                 KeyringDetail detail, KeyringItem *items) {
    for (; *taken < count; *taken += 1) {
        Call *call = &calls[*taken];
        if (!call_has_landed(call))
            break;
        const KeyringOutcome outcome = take_item(keyring, call, detail, &items[*taken]);
        if (outcome != KeyringOutcomeDone && outcome != KeyringOutcomeNoSuchItem)
            return outcome;
    }
    return KeyringOutcomeDone;
}

KeyringOutcome keyring_read(Keyring *keyring, const char *const *paths, size_t count,
                            KeyringDetail detail, KeyringItem *items) {
    for (size_t index = 0; index < count; index++)
        items[index] = (KeyringItem){0};
    Call *calls = allocate(count, sizeof *calls);
    size_t pending = 0, taken = 0;
    KeyringOutcome outcome = KeyringOutcomeDone;
    for (size_t index = 0; index < count && outcome == KeyringOutcomeDone; index++) {
        calls_land_until(keyring, &pending, BATCH - 1);
        outcome = take_items(keyring, calls, &taken, index, detail, items);
        if (outcome == KeyringOutcomeDone)
            ask_item(keyring, &calls[index], &pending, paths[index], detail);
    }
    calls_land(keyring, &pending);
    if (outcome == KeyringOutcomeDone)
        outcome = take_items(keyring, calls, &taken, count, detail, items);
    for (size_t index = 0; index < count; index++)
        call_clear(&calls[index]);
    free(calls);
    if (outcome != KeyringOutcomeDone)
        keyring_items_free(items, count);
    return outcome;
}

void keyring_items_free(KeyringItem *items, size_t count) {
    for (size_t index = 0; index < count; index++) {
        for (size_t each = 0; each < items[index].count; each++) {
            free((char *)items[index].attributes[each].name);
            free((char *)items[index].attributes[each].value);
        }
        free(items[index].attributes);
        free(items[index].label);
        items[index] = (KeyringItem){0};
    }
}

// Secrets.

static GVariant *paths_variant(const char *const *paths, size_t count) {
    GVariantBuilder builder;
    library.g_variant_builder_init(&builder, (const GVariantType *)"ao");
    for (size_t index = 0; index < count; index++)
        library.g_variant_builder_add(&builder, "o", paths[index]);
    return library.g_variant_builder_end(&builder);
}

/// Secrets that are asked for, more than once at the same time where the keys that were agreed on
/// may differ. Of KWallet's sessions one in 256 does: it leaves out a leading zero (5.103). And one
/// secret in 256 that was decrypted with another key is padded as it must be; it is then another
/// one each time, since each has its own initialization vector.
typedef struct Loading {
    Call calls[2];
    size_t count;
} Loading;

/// Asks for secrets, in a session that is open.
static void ask_secrets(Keyring *keyring, Loading *loading, size_t *pending,
                        const char *const *paths, size_t count) {
    loading->count = keyring->is_gnome_keyring ? 1 : 2;
    for (size_t index = 0; index < loading->count; index++)
        call_send(
            keyring, &loading->calls[index], pending, keyring->provider, SERVICE_PATH,
            SERVICE_INTERFACE, "GetSecrets",
            library.g_variant_new("(@aoo)", paths_variant(paths, count),
                                  library.secret_service_get_session_dbus_path(keyring->service)),
            CALL_MILLISECONDS);
}

/// Decrypts a secret; without an owner, if the session cannot.
static KeyringSecret decode(Keyring *keyring, GVariant *encoded) {
    SecretValue *value = library.secret_service_decode_dbus_secret(keyring->service, encoded);
    if (value == NULL)
        return (KeyringSecret){0};
    gsize length;
    const char *bytes = library.secret_value_get(value, &length);
    return (KeyringSecret){(const uint8_t *)bytes, length, value};
}

static bool are_equal(const KeyringSecret *one, const KeyringSecret *other) {
    return one->owner != NULL && other->owner != NULL && one->count == other->count &&
           memcmp(one->bytes, other->bytes, one->count) == 0;
}

/// Takes a secret that has come, the first time or again; false if the session cannot decrypt it.
static bool take_secret(Keyring *keyring, GVariant *encoded, bool is_again,
                        KeyringSecret *secret) {
    if (!is_again && secret->owner != NULL)
        return true;
    KeyringSecret taken = decode(keyring, encoded);
    if (!is_again) {
        *secret = taken;
        return taken.owner != NULL;
    }
    const bool is_confirmed = are_equal(&taken, secret);
    keyring_secrets_free(&taken, 1);
    if (!is_confirmed)
        keyring_secrets_free(secret, 1);
    return is_confirmed;
}

/// Takes what one of the calls has brought.
static void take_reply(Keyring *keyring, GVariant *reply, bool is_again, const char *const *paths,
                       size_t count, KeyringSecret *secrets, bool *legible) {
    GVariant *found = library.g_variant_get_child_value(reply, 0);
    const size_t found_count = library.g_variant_n_children(found);
    for (size_t each = 0; each < found_count; each++) {
        GVariant *entry = library.g_variant_get_child_value(found, each);
        GVariant *path = library.g_variant_get_child_value(entry, 0);
        GVariant *encoded = library.g_variant_get_child_value(entry, 1);
        for (size_t index = 0; index < count; index++)
            if (strcmp(paths[index], library.g_variant_get_string(path, NULL)) == 0 &&
                !take_secret(keyring, encoded, is_again, &secrets[index]))
                *legible = false;
        library.g_variant_unref(encoded);
        library.g_variant_unref(path);
        library.g_variant_unref(entry);
    }
    library.g_variant_unref(found);
}

/// Takes the answers, and clears the calls; `legible` is false if a secret came that the session
/// cannot decrypt.
static KeyringOutcome take_secrets(Keyring *keyring, Loading *loading, const char *const *paths,
                                   size_t count, KeyringSecret *secrets, bool *legible) {
    *legible = true;
    KeyringOutcome outcome = KeyringOutcomeDone;
    for (size_t index = 0; index < loading->count; index++) {
        Call *call = &loading->calls[index];
        if (outcome == KeyringOutcomeDone)
            outcome = call_outcome(keyring, call, "(a{o(oayays)})");
        if (outcome == KeyringOutcomeDone)
            take_reply(keyring, call->reply, index > 0, paths, count, secrets, legible);
        call_clear(call);
    }
    if (outcome != KeyringOutcomeDone)
        keyring_secrets_free(secrets, count);
    return outcome;
}

/// Gets the secrets once.
static KeyringOutcome load(Keyring *keyring, const char *const *paths, size_t count,
                           KeyringSecret *secrets, bool *legible) {
    *legible = true;
    KeyringOutcome outcome = keyring_open_session(keyring);
    if (outcome != KeyringOutcomeDone)
        return outcome;
    Loading loading = {0};
    size_t pending = 0;
    ask_secrets(keyring, &loading, &pending, paths, count);
    calls_land(keyring, &pending);
    return take_secrets(keyring, &loading, paths, count, secrets, legible);
}

KeyringOutcome keyring_load(Keyring *keyring, const char *const *paths, size_t count,
                            KeyringSecret *secrets) {
    for (size_t index = 0; index < count; index++)
        secrets[index] = (KeyringSecret){0};
    for (int attempt = 1;; attempt++) {
        bool legible;
        const KeyringOutcome outcome = load(keyring, paths, count, secrets, &legible);
        if (outcome != KeyringOutcomeDone || legible || attempt == SESSION_ATTEMPTS)
            return outcome;
        keyring_secrets_free(secrets, count);
        keyring_drop_session(keyring);
    }
}

KeyringOutcome keyring_fetch(Keyring *keyring, const char *const *paths, size_t count,
                             KeyringDetail detail, KeyringItem *items, KeyringSecret *secrets) {
    Call *calls = allocate(count, sizeof *calls);
    Loading loading = {0};
    size_t pending = 0, taken = 0;
    keyring_begin_session(keyring);
    for (size_t index = 0; index < count; index++) {
        items[index] = (KeyringItem){0};
        secrets[index] = (KeyringSecret){0};
        ask_item(keyring, &calls[index], &pending, paths[index], detail);
    }
    const KeyringOutcome session = keyring_open_session(keyring);
    if (session == KeyringOutcomeDone)
        ask_secrets(keyring, &loading, &pending, paths, count);
    calls_land(keyring, &pending);

    bool legible = true;
    KeyringOutcome outcome = take_items(keyring, calls, &taken, count, detail, items);
    if (outcome == KeyringOutcomeDone)
        outcome = session;
    const KeyringOutcome loaded =
        take_secrets(keyring, &loading, paths, count, secrets, &legible);
    if (outcome == KeyringOutcomeDone)
        outcome = loaded;
    // One is gone; which of them is not said.
    if (outcome == KeyringOutcomeNoSuchItem)
        outcome = KeyringOutcomeDone;
    for (size_t index = 0; index < count; index++)
        call_clear(&calls[index]);
    free(calls);

    if (outcome == KeyringOutcomeDone && !legible) {
        keyring_secrets_free(secrets, count);
        keyring_drop_session(keyring);
        outcome = keyring_load(keyring, paths, count, secrets);
    }
    if (outcome != KeyringOutcomeDone) {
        keyring_items_free(items, count);
        keyring_secrets_free(secrets, count);
    }
    return outcome;
}

void keyring_secrets_free(KeyringSecret *secrets, size_t count) {
    for (size_t index = 0; index < count; index++) {
        if (secrets[index].owner != NULL)
            library.secret_value_unref(secrets[index].owner);
        secrets[index] = (KeyringSecret){0};
    }
}

/// The secret as the session sends it: a floating variant.
static GVariant *encode(Keyring *keyring, const uint8_t *secret, size_t length) {
    SecretValue *value =
        library.secret_value_new((const char *)secret, (gssize)length, "text/plain");
    GVariant *encoded = library.secret_service_encode_dbus_secret(keyring->service, value);
    library.secret_value_unref(value);
    return encoded;
}

// Changing.

KeyringOutcome keyring_create(Keyring *keyring, const char *collection, const char *label,
                              const KeyringAttribute *attributes, size_t count,
                              const uint8_t *secret, size_t length, char **path, char **prompt) {
    *path = *prompt = NULL;
    KeyringOutcome outcome = keyring_open_session(keyring);
    if (outcome != KeyringOutcomeDone)
        return outcome;

    GVariantBuilder properties;
    library.g_variant_builder_init(&properties, (const GVariantType *)"a{sv}");
    library.g_variant_builder_add(&properties, "{sv}", ITEM_INTERFACE ".Label",
                                  library.g_variant_new_string(label));
    library.g_variant_builder_add(&properties, "{sv}", ITEM_INTERFACE ".Attributes",
                                  attributes_variant(attributes, count));
    Call call = {0};
    outcome = call_provider(keyring, &call, collection, COLLECTION_INTERFACE, "CreateItem",
                            library.g_variant_new("(@a{sv}@(oayays)b)",
                                                  library.g_variant_builder_end(&properties),
                                                  encode(keyring, secret, length), FALSE),
                            "(oo)");
    if (outcome == KeyringOutcomeDone) {
        const char *created, *asked;
        library.g_variant_get(call.reply, "(&o&o)", &created, &asked);
        *path = path_copy(created);
        *prompt = path_copy(asked);
    }
    call_clear(&call);
    return outcome;
}

KeyringOutcome keyring_set_secret(Keyring *keyring, const char *path, const uint8_t *secret,
                                  size_t length) {
    KeyringOutcome outcome = keyring_open_session(keyring);
    if (outcome != KeyringOutcomeDone)
        return outcome;
    Call call = {0};
    outcome = call_provider(keyring, &call, path, ITEM_INTERFACE, "SetSecret",
                            library.g_variant_new("(@(oayays))", encode(keyring, secret, length)),
                            "()");
    call_clear(&call);
    return outcome;
}

static void send_property(Keyring *keyring, Call *call, size_t *pending, const char *path,
                          const char *name, GVariant *value) {
    call_send(keyring, call, pending, keyring->provider, path, PROPERTIES_INTERFACE, "Set",
              library.g_variant_new("(ssv)", ITEM_INTERFACE, name, value), CALL_MILLISECONDS);
}

KeyringOutcome keyring_describe(Keyring *keyring, const char *path, const char *label,
                                const KeyringAttribute *attributes, size_t count) {
    Call calls[2] = {{0}, {0}};
    size_t pending = 0;
    send_property(keyring, &calls[0], &pending, path, "Attributes",
                  attributes_variant(attributes, count));
    send_property(keyring, &calls[1], &pending, path, "Label",
                  library.g_variant_new_string(label));
    calls_land(keyring, &pending);
    KeyringOutcome outcome = call_outcome(keyring, &calls[0], "()");
    if (outcome == KeyringOutcomeDone)
        outcome = call_outcome(keyring, &calls[1], "()");
    call_clear(&calls[0]);
    call_clear(&calls[1]);
    return outcome;
}

struct KeyringDeletion {
    Call call;
    size_t pending;
};

KeyringDeletion *keyring_begin_delete(Keyring *keyring, const char *path) {
    KeyringDeletion *deletion = allocate(1, sizeof *deletion);
    call_send(keyring, &deletion->call, &deletion->pending, keyring->provider, path,
              ITEM_INTERFACE, "Delete", library.g_variant_new("()"), CALL_MILLISECONDS);
    return deletion;
}

KeyringOutcome keyring_finish_delete(Keyring *keyring, KeyringDeletion *deletion, char **prompt) {
    *prompt = NULL;
    calls_land(keyring, &deletion->pending);
    const KeyringOutcome outcome = call_outcome(keyring, &deletion->call, "(o)");
    if (outcome == KeyringOutcomeDone) {
        const char *asked;
        library.g_variant_get(deletion->call.reply, "(&o)", &asked);
        *prompt = path_copy(asked);
    }
    call_clear(&deletion->call);
    free(deletion);
    return outcome;
}

KeyringOutcome keyring_unlock(Keyring *keyring, const char *const *paths, size_t count,
                              char **prompt) {
    *prompt = NULL;
    Call call = {0};
    const KeyringOutcome outcome =
        call_provider(keyring, &call, SERVICE_PATH, SERVICE_INTERFACE, "Unlock",
                      library.g_variant_new("(@ao)", paths_variant(paths, count)), "(aoo)");
    if (outcome == KeyringOutcomeDone) {
        GVariant *asked = library.g_variant_get_child_value(call.reply, 1);
        *prompt = path_copy(library.g_variant_get_string(asked, NULL));
        library.g_variant_unref(asked);
    }
    call_clear(&call);
    return outcome;
}

// Collections.

KeyringOutcome keyring_read_alias(Keyring *keyring, const char *alias, char **path) {
    *path = NULL;
    Call call = {0};
    const KeyringOutcome outcome =
        call_provider(keyring, &call, SERVICE_PATH, SERVICE_INTERFACE, "ReadAlias",
                      library.g_variant_new("(s)", alias), "(o)");
    if (outcome == KeyringOutcomeDone) {
        const char *found;
        library.g_variant_get(call.reply, "(&o)", &found);
        *path = path_copy(found);
    }
    call_clear(&call);
    return outcome;
}

static void collection_fill(KeyringCollection *collection, GVariant *properties) {
    GVariant *label =
        library.g_variant_lookup_value(properties, "Label", (const GVariantType *)"s");
    GVariant *locked =
        library.g_variant_lookup_value(properties, "Locked", (const GVariantType *)"b");
    GVariant *items =
        library.g_variant_lookup_value(properties, "Items", (const GVariantType *)"ao");
    collection->label = copy(label != NULL ? library.g_variant_get_string(label, NULL) : "");
    collection->locked = locked != NULL && library.g_variant_get_boolean(locked);
    collection->item_count = items != NULL ? library.g_variant_n_children(items) : 0;
    if (label != NULL)
        library.g_variant_unref(label);
    if (locked != NULL)
        library.g_variant_unref(locked);
    if (items != NULL)
        library.g_variant_unref(items);
}

static KeyringOutcome read_collections(Keyring *keyring, GVariant *paths,
                                       KeyringCollections *collections) {
    const size_t count = library.g_variant_n_children(paths);
    Call *calls = allocate(count, sizeof *calls);
    collections->items = allocate(count, sizeof *collections->items);
    size_t pending = 0;
    for (size_t index = 0; index < count; index++) {
        GVariant *path = library.g_variant_get_child_value(paths, index);
        collections->items[index].path = copy(library.g_variant_get_string(path, NULL));
        library.g_variant_unref(path);
        call_send(keyring, &calls[index], &pending, keyring->provider,
                  collections->items[index].path, PROPERTIES_INTERFACE, "GetAll",
                  library.g_variant_new("(s)", COLLECTION_INTERFACE), CALL_MILLISECONDS);
    }
    calls_land(keyring, &pending);

    collections->count = count;
    KeyringOutcome outcome = KeyringOutcomeDone;
    for (size_t index = 0; index < count; index++) {
        if (outcome == KeyringOutcomeDone)
            outcome = call_outcome(keyring, &calls[index], "(a{sv})");
        if (outcome == KeyringOutcomeDone) {
            GVariant *properties = library.g_variant_get_child_value(calls[index].reply, 0);
            collection_fill(&collections->items[index], properties);
            library.g_variant_unref(properties);
        }
        call_clear(&calls[index]);
    }
    free(calls);
    return outcome;
}

KeyringOutcome keyring_collections(Keyring *keyring, KeyringCollections *collections) {
    *collections = (KeyringCollections){0};
    Call call = {0};
    KeyringOutcome outcome =
        call_provider(keyring, &call, SERVICE_PATH, PROPERTIES_INTERFACE, "Get",
                      library.g_variant_new("(ss)", SERVICE_INTERFACE, "Collections"), "(v)");
    if (outcome == KeyringOutcomeDone) {
        GVariant *paths;
        library.g_variant_get(call.reply, "(v)", &paths);
        outcome = strcmp(library.g_variant_get_type_string(paths), "ao") == 0
                      ? read_collections(keyring, paths, collections)
                      : keyring_wrong_type(keyring);
        library.g_variant_unref(paths);
    }
    call_clear(&call);
    if (outcome != KeyringOutcomeDone)
        keyring_collections_free(collections);
    return outcome;
}

void keyring_collections_free(KeyringCollections *collections) {
    for (size_t index = 0; index < collections->count; index++) {
        free(collections->items[index].path);
        free(collections->items[index].label);
    }
    free(collections->items);
    *collections = (KeyringCollections){0};
}
