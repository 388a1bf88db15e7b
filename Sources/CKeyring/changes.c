/// Changes items: creates them, replaces their secrets or descriptions, deletes and unlocks them.

#include "session.h"
#include "variant.h"

#include <stdlib.h>
#include <string.h>

#define GNOME_INTERFACE "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface"

/// Returns the secret as the session sends it: a floating variant.
static GVariant *encrypt(Keyring *keyring, const uint8_t *secret, size_t length) {
    SecretValue *value =
        library.secret_value_new((const char *)secret, (gssize)length, "text/plain");
    GVariant *encrypted = library.secret_service_encode_dbus_secret(keyring->service, value);
    library.secret_value_unref(value);
    return encrypted;
}

KeyringOutcome keyring_create(Keyring *keyring, const char *collection, const char *label,
                              const char *const *attributes, size_t count,
                              const uint8_t *secret, size_t length, const char **path,
                              const char **prompt) {
    *path = *prompt = NULL;
    KeyringOutcome outcome = session_open(keyring);
    if (outcome != KeyringOutcomeDone)
        return outcome;
    GVariantBuilder properties;
    library.g_variant_builder_init(&properties, (const GVariantType *)"a{sv}");
    library.g_variant_builder_add(&properties, "{sv}", ITEM_INTERFACE ".Label",
                                  library.g_variant_new_string(label));
    library.g_variant_builder_add(&properties, "{sv}", ITEM_INTERFACE ".Attributes",
                                  attributes_variant(attributes, count));
    outcome = call_and_wait(keyring, collection, COLLECTION_INTERFACE, "CreateItem",
                            library.g_variant_new("(@a{sv}@(oayays)b)",
                                                  library.g_variant_builder_end(&properties),
                                                  encrypt(keyring, secret, length), FALSE),
                            "(oo)");
    if (outcome == KeyringOutcomeDone) {
        *path = reply_path(&keyring->call, 0);
        *prompt = reply_path(&keyring->call, 1);
    }
    return outcome;
}

KeyringOutcome keyring_set_secret(Keyring *keyring, const char *path, const uint8_t *secret,
                                  size_t length) {
    const KeyringOutcome outcome = session_open(keyring);
    if (outcome != KeyringOutcomeDone)
        return outcome;
    return call_and_wait(
        keyring, path, ITEM_INTERFACE, "SetSecret",
        library.g_variant_new("(@(oayays))", encrypt(keyring, secret, length)), "()");
}

static KeyringOutcome set_property(Keyring *keyring, const char *path, const char *name,
                                   GVariant *value) {
    return call_and_wait(keyring, path, PROPERTIES_INTERFACE, "Set",
                         library.g_variant_new("(ssv)", ITEM_INTERFACE, name, value), "()");
}

KeyringOutcome keyring_describe(Keyring *keyring, const char *path, const char *label,
                                const char *const *attributes, size_t count) {
    const KeyringOutcome outcome =
        set_property(keyring, path, "Attributes", attributes_variant(attributes, count));
    if (outcome != KeyringOutcomeDone)
        return outcome;
    return set_property(keyring, path, "Label", library.g_variant_new_string(label));
}

struct KeyringDeletion {
    Call call;
    Batch batch;
};

KeyringDeletion *keyring_begin_delete(Keyring *keyring, const char *path) {
    KeyringDeletion *deletion = allocate(1, sizeof *deletion);
    call_send(keyring, &deletion->batch, &deletion->call, path, ITEM_INTERFACE, "Delete",
              library.g_variant_new("()"));
    return deletion;
}

KeyringOutcome keyring_finish_delete(Keyring *keyring, KeyringDeletion *deletion,
                                     const char **prompt) {
    calls_finish(keyring, &deletion->batch);
    call_clear(&keyring->call);
    keyring->call = deletion->call;
    free(deletion);
    const KeyringOutcome outcome = call_outcome(keyring, &keyring->call, "(o)");
    *prompt = outcome == KeyringOutcomeDone ? reply_path(&keyring->call, 0) : NULL;
    return outcome;
}

static KeyringOutcome change_lock(Keyring *keyring, const char *method, const char *const *paths,
                                  size_t count, const char **prompt) {
    const KeyringOutcome outcome =
        call_and_wait(keyring, SERVICE_PATH, SERVICE_INTERFACE, method,
                      library.g_variant_new("(@ao)", paths_variant(paths, count)), "(aoo)");
    *prompt = outcome == KeyringOutcomeDone ? reply_path(&keyring->call, 1) : NULL;
    return outcome;
}

KeyringOutcome keyring_unlock(Keyring *keyring, const char *const *paths, size_t count,
                              const char **prompt) {
    return change_lock(keyring, "Unlock", paths, count, prompt);
}

KeyringOutcome keyring_lock(Keyring *keyring, const char *const *paths, size_t count,
                            const char **prompt) {
    return change_lock(keyring, "Lock", paths, count, prompt);
}

KeyringOutcome keyring_unlock_with_password(Keyring *keyring, const char *path,
                                            const uint8_t *password, size_t length,
                                            bool *is_wrong) {
    *is_wrong = false;
    KeyringOutcome outcome = session_open(keyring);
    if (outcome != KeyringOutcomeDone)
        return outcome;
    // gnome-keyring 42 and 48, daemon/dbus/org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.xml.
    outcome = call_and_wait(
        keyring, SERVICE_PATH, GNOME_INTERFACE, "UnlockWithMasterPassword",
        library.g_variant_new("(o@(oayays))", path, encrypt(keyring, password, length)), "()");
    const char *error = call_error(&keyring->call);
    if (error == NULL || strcmp(error, "org.gnome.keyring.Error.Denied") != 0)
        return outcome;
    *is_wrong = true;
    return KeyringOutcomeDone;
}
