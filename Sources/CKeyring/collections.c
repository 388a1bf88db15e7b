/// Reads aliases and collections.

#include "variant.h"

#include <stdlib.h>
#include <string.h>

KeyringOutcome keyring_read_alias(Keyring *keyring, const char *alias, const char **path) {
    const KeyringOutcome outcome =
        call_and_wait(keyring, SERVICE_PATH, SERVICE_INTERFACE, "ReadAlias",
                      library.g_variant_new("(s)", alias), "(o)");
    *path = outcome == KeyringOutcomeDone ? reply_path(&keyring->call, 0) : NULL;
    return outcome;
}

static void give_collection(const char *path, GVariant *properties, KeyringCollectionHandler *give,
                            void *context) {
    const char *label = NULL;
    gboolean locked = FALSE;
    GVariant *items = NULL;
    library.g_variant_lookup(properties, "Label", "&s", &label);
    library.g_variant_lookup(properties, "Locked", "b", &locked);
    library.g_variant_lookup(properties, "Items", "@ao", &items);
    give(context, path, label, locked, items != NULL ? library.g_variant_n_children(items) : 0);
    if (items != NULL)
        library.g_variant_unref(items);
}

/// Reads the collections of an `ao`.
static KeyringOutcome read_each(Keyring *keyring, GVariant *paths, KeyringCollectionHandler *give,
                                void *context) {
    const size_t count = library.g_variant_n_children(paths);
    Call *calls = allocate(count, sizeof *calls);
    const char **names = allocate(count, sizeof *names);
    Batch batch = {0};
    for (size_t index = 0; index < count; index++) {
        library.g_variant_get_child(paths, index, "&o", &names[index]);
        call_send(keyring, &batch, &calls[index], names[index], PROPERTIES_INTERFACE, "GetAll",
                  library.g_variant_new("(s)", COLLECTION_INTERFACE));
    }
    calls_finish(keyring, &batch);

    KeyringOutcome outcome = KeyringOutcomeDone;
    for (size_t index = 0; index < count && outcome == KeyringOutcomeDone; index++)
        outcome = call_outcome(keyring, &calls[index], "(a{sv})");
    for (size_t index = 0; index < count; index++) {
        if (outcome == KeyringOutcomeDone) {
            GVariant *properties = library.g_variant_get_child_value(calls[index].body, 0);
            give_collection(names[index], properties, give, context);
            library.g_variant_unref(properties);
        }
        call_clear(&calls[index]);
    }
    free(names);
    free(calls);
    return outcome;
}

KeyringOutcome keyring_collections(Keyring *keyring, KeyringCollectionHandler *give,
                                   void *context) {
    KeyringOutcome outcome =
        call_and_wait(keyring, SERVICE_PATH, PROPERTIES_INTERFACE, "Get",
                      library.g_variant_new("(ss)", SERVICE_INTERFACE, "Collections"), "(v)");
    if (outcome != KeyringOutcomeDone)
        return outcome;
    GVariant *paths;
    library.g_variant_get(keyring->call.body, "(v)", &paths);
    outcome = strcmp(library.g_variant_get_type_string(paths), "ao") == 0
                  ? read_each(keyring, paths, give, context)
                  : fail_wrong_type(keyring);
    library.g_variant_unref(paths);
    return outcome;
}
