/// Reads items: their attributes, labels and times, and their secrets.

#include "session.h"
#include "variant.h"

#include <stdlib.h>
#include <string.h>

// Properties.

static void send_property_call(Keyring *keyring, Batch *batch, Call *call, const char *path,
                               KeyringParts parts) {
    if (parts & KeyringPartsDetails)
        call_send(keyring, batch, call, path, PROPERTIES_INTERFACE, "GetAll",
                  library.g_variant_new("(s)", ITEM_INTERFACE));
    else
        call_send(keyring, batch, call, path, PROPERTIES_INTERFACE, "Get",
                  library.g_variant_new("(ss)", ITEM_INTERFACE, "Attributes"));
}

/// Returns the outcome of a call for an item's properties. A missing item is no failure.
static KeyringOutcome check_properties(Keyring *keyring, const Call *call, KeyringParts parts) {
    const KeyringOutcome outcome =
        call_outcome(keyring, call, parts & KeyringPartsDetails ? "(a{sv})" : "(v)");
    return outcome == KeyringOutcomeNoSuchItem ? KeyringOutcomeDone : outcome;
}

/// Passes an item, with the contents of the reply, to `give`.
static void give_item(const Call *call, KeyringParts parts, KeyringItem *item,
                      KeyringItemHandler *give, void *context) {
    GVariant *value = NULL, *attributes = NULL;
    if (call->state == CallReturned)
        value = library.g_variant_get_child_value(call->body, 0);
    if (value != NULL && parts & KeyringPartsDetails) {
        library.g_variant_lookup(value, "Attributes", "@a{ss}", &attributes);
        library.g_variant_lookup(value, "Label", "&s", &item->label);
        library.g_variant_lookup(value, "Modified", "t", &item->modified);
    } else if (value != NULL) {
        attributes = library.g_variant_get_variant(value);
        if (strcmp(library.g_variant_get_type_string(attributes), "a{ss}") != 0) {
            library.g_variant_unref(attributes);
            attributes = NULL;
        }
    }
    const char **list = NULL;
    if (attributes != NULL) {
        item->count = library.g_variant_n_children(attributes);
        item->attributes = list = allocate(item->count, 2 * sizeof *list);
        for (size_t index = 0; index < item->count; index++)
            library.g_variant_get_child(attributes, index, "{&s&s}", &list[2 * index],
                                        &list[2 * index + 1]);
    }
    give(context, item);
    free(list);
    if (attributes != NULL)
        library.g_variant_unref(attributes);
    if (value != NULL)
        library.g_variant_unref(value);
}

// Secrets.

static void send_secrets_call(Keyring *keyring, Batch *batch, Call *call,
                              const char *const *paths, size_t count) {
    call_send(keyring, batch, call, SERVICE_PATH, SERVICE_INTERFACE, "GetSecrets",
              library.g_variant_new(
                  "(@aoo)", paths_variant(paths, count),
                  library.secret_service_get_session_dbus_path(keyring->service)));
}

static void free_secret(KeyringItem *item) {
    if (item->owner != NULL)
        library.secret_value_unref(item->owner);
    item->owner = NULL;
    item->secret = NULL;
}

/// Decrypts a secret from a reply. Returns false if it cannot be trusted. `is_again` is true if it
/// has been decrypted before, and must be the same.
static bool take_secret(Keyring *keyring, GVariant *encrypted, bool is_again, KeyringItem *item) {
    if (!is_again && item->owner != NULL)
        return true;
    SecretValue *value = library.secret_service_decode_dbus_secret(keyring->service, encrypted);
    gsize length = 0;
    const char *bytes = value != NULL ? library.secret_value_get(value, &length) : NULL;
    if (!is_again) {
        item->owner = value;
        item->secret = (const uint8_t *)bytes;
        item->secret_length = length;
        return value != NULL;
    }
    const bool is_same = value != NULL && item->owner != NULL && item->secret_length == length &&
                         memcmp(item->secret, bytes, length) == 0;
    if (value != NULL)
        library.secret_value_unref(value);
    if (!is_same)
        free_secret(item);
    return is_same;
}

/// Takes the reply to one call for secrets. Returns false if one of them cannot be trusted.
static bool take_secrets(Keyring *keyring, GVariant *body, bool is_again,
                         const char *const *paths, size_t count, KeyringItem *items) {
    bool is_legible = true;
    GVariant *found = library.g_variant_get_child_value(body, 0);
    const size_t found_count = library.g_variant_n_children(found);
    for (size_t each = 0; each < found_count; each++) {
        const char *path;
        GVariant *encrypted;
        library.g_variant_get_child(found, each, "{&o@(oayays)}", &path, &encrypted);
        for (size_t index = 0; index < count; index++)
            if (strcmp(paths[index], path) == 0 &&
                !take_secret(keyring, encrypted, is_again, &items[index]))
                is_legible = false;
        library.g_variant_unref(encrypted);
    }
    library.g_variant_unref(found);
    return is_legible;
}

/// Reads the secrets, together with the calls of the batch.
///
/// Each is requested twice, at the same time, unless the provider is gnome-keyring, the only one
/// that is known not to have this fault: KWallet (5.103) leaves out a leading zero of the shared
/// key, in one session of 256, so that the two ends use different keys. One secret in 256 that was
/// decrypted with a wrong key has correct padding by chance. The two copies then differ, since each
/// has its own initialization vector.
static KeyringOutcome read_secrets(Keyring *keyring, Batch *batch, const char *const *paths,
                                   size_t count, KeyringItem *items) {
    for (int attempt = 1;; attempt++) {
        KeyringOutcome outcome = session_open(keyring);
        Call calls[2] = {{0}};
        const size_t times = keyring->is_gnome_keyring ? 1 : 2;
        for (size_t index = 0; index < times && outcome == KeyringOutcomeDone; index++)
            send_secrets_call(keyring, batch, &calls[index], paths, count);
        calls_finish(keyring, batch);
        bool is_legible = true;
        for (size_t index = 0; index < times; index++) {
            if (outcome == KeyringOutcomeDone)
                outcome = call_outcome(keyring, &calls[index], "(a{o(oayays)})");
            if (outcome == KeyringOutcomeDone &&
                !take_secrets(keyring, calls[index].body, index > 0, paths, count, items))
                is_legible = false;
            call_clear(&calls[index]);
        }
        if (outcome == KeyringOutcomeDone && (is_legible || attempt == ATTEMPTS))
            return outcome;
        for (size_t index = 0; index < count; index++)
            free_secret(&items[index]);
        // An item no longer exists; the error does not say which.
        if (outcome != KeyringOutcomeDone)
            return outcome == KeyringOutcomeNoSuchItem ? KeyringOutcomeDone : outcome;
        keyring_drop_session(keyring);
    }
}

// Items.

KeyringOutcome keyring_read(Keyring *keyring, const char *const *paths, size_t count,
                            KeyringParts parts, KeyringItemHandler *give, void *context) {
    const bool has_properties = parts & (KeyringPartsAttributes | KeyringPartsDetails);
    Call *calls = allocate(count, sizeof *calls);
    KeyringItem *items = allocate(count, sizeof *items);
    Batch batch = {0};
    if (parts & KeyringPartsSecret)
        keyring_begin_session(keyring);
    for (size_t index = 0; index < count && has_properties; index++)
        send_property_call(keyring, &batch, &calls[index], paths[index], parts);
    KeyringOutcome secrets = KeyringOutcomeDone;
    if (parts & KeyringPartsSecret)
        secrets = read_secrets(keyring, &batch, paths, count, items);
    calls_finish(keyring, &batch);

    KeyringOutcome outcome = KeyringOutcomeDone;
    for (size_t index = 0; index < count && has_properties && outcome == KeyringOutcomeDone; index++)
        outcome = check_properties(keyring, &calls[index], parts);
    if (outcome == KeyringOutcomeDone)
        outcome = secrets;
    for (size_t index = 0; index < count; index++) {
        if (outcome == KeyringOutcomeDone)
            give_item(&calls[index], parts, &items[index], give, context);
        call_clear(&calls[index]);
        free_secret(&items[index]);
    }
    free(items);
    free(calls);
    return outcome;
}
