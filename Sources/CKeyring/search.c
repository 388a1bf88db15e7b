/// Searches for items.
///
/// A search must be the first call to a provider. gnome-keyring (42 to 50) may handle a client's
/// first call before it has registered the client: it then refuses a search, which is sent again,
/// but it would report that there is no default collection, and OpenSession would end its process.

#include "session.h"
#include "variant.h"

#include <stdlib.h>

struct KeyringSearch {
    size_t count;
    Call *calls;
    /// The arguments of each call.
    GVariant **arguments;
    Batch batch;
};

static void send_search(Keyring *keyring, KeyringSearch *search) {
    search->batch = (Batch){0};
    for (size_t index = 0; index < search->count; index++)
        call_send(keyring, &search->batch, &search->calls[index], SERVICE_PATH, SERVICE_INTERFACE,
                  "SearchItems", search->arguments[index]);
}

KeyringSearch *keyring_begin_search(Keyring *keyring, const char *const *attributes,
                                    const size_t *counts, size_t count) {
    KeyringSearch *search = allocate(1, sizeof *search);
    search->count = count;
    search->calls = allocate(count, sizeof *search->calls);
    search->arguments = allocate(count, sizeof *search->arguments);
    for (size_t index = 0; index < count; index++) {
        search->arguments[index] = library.g_variant_ref_sink(library.g_variant_new(
            "(@a{ss})", attributes_variant(attributes, counts[index])));
        attributes += 2 * counts[index];
    }
    send_search(keyring, search);
    return search;
}

void keyring_cancel_search(Keyring *keyring, KeyringSearch *search) {
    calls_cancel(keyring, search->calls, search->count);
    for (size_t index = 0; index < search->count; index++)
        library.g_variant_unref(search->arguments[index]);
    free(search->arguments);
    free(search->calls);
    free(search);
}

/// Waits for the replies. After the first one, the provider knows this client, and libsecret's
/// call, if it is held, is sent.
static void wait_for(Keyring *keyring, KeyringSearch *search) {
    for (;;) {
        for (size_t index = 0; index < search->count && !keyring->is_known; index++)
            keyring->is_known = search->calls[index].state == CallReturned &&
                                call_is_sent_by_provider(keyring, &search->calls[index]);
        session_send_held(keyring);
        if (search->batch.pending == 0)
            return;
        const bool looks_at_each = !keyring->is_known && keyring->opening != NULL;
        calls_wait(keyring, looks_at_each ? 1 : search->batch.pending, G_MAXINT64);
    }
}

/// Returns true if a search that was sent to the service's name was answered, but not by the
/// provider: the provider had not been found then, and another process had the name for a moment,
/// or none had.
static bool was_misdirected(const Keyring *keyring, const KeyringSearch *search) {
    for (size_t index = 0; index < search->count; index++)
        if (search->calls[index].reply != NULL &&
            !call_is_sent_by_provider(keyring, &search->calls[index]))
            return true;
    return false;
}

/// Passes the paths of an `ao` to `give`.
static void give_paths(GVariant *paths, bool locked, KeyringHitHandler *give, void *context) {
    const size_t count = library.g_variant_n_children(paths);
    for (size_t index = 0; index < count; index++) {
        const char *path;
        library.g_variant_get_child(paths, index, "&o", &path);
        give(context, path, locked);
    }
    library.g_variant_unref(paths);
}

static void give_hits(const KeyringSearch *search, KeyringHitHandler *give, void *context) {
    for (size_t index = 0; index < search->count; index++) {
        GVariant *unlocked, *locked;
        library.g_variant_get(search->calls[index].body, "(@ao@ao)", &unlocked, &locked);
        give_paths(unlocked, false, give, context);
        give_paths(locked, true, give, context);
    }
}

KeyringOutcome keyring_finish_search(Keyring *keyring, KeyringSearch *search,
                                     KeyringHitHandler *give, void *context) {
    KeyringOutcome outcome = keyring_find_provider(keyring);
    for (int attempt = 1; outcome == KeyringOutcomeDone; attempt++) {
        wait_for(keyring, search);
        const bool is_misdirected = was_misdirected(keyring, search);
        for (size_t index = 0; index < search->count && outcome == KeyringOutcomeDone; index++)
            outcome = call_outcome(keyring, &search->calls[index], "(aoao)");
        // gnome-keyring refuses a client that it does not know yet in this way.
        const bool is_refused = outcome == KeyringOutcomeNoSuchItem;
        if (!is_misdirected && !is_refused) {
            if (outcome == KeyringOutcomeDone)
                give_hits(search, give, context);
            break;
        }
        if (attempt == ATTEMPTS) {
            if (is_refused || outcome == KeyringOutcomeDone)
                outcome = fail(keyring->reason, KeyringOutcomeFailed,
                               "the keyring does not search");
            break;
        }
        calls_cancel(keyring, search->calls, search->count);
        send_search(keyring, search);
        outcome = KeyringOutcomeDone;
    }
    keyring_cancel_search(keyring, search);
    return outcome;
}
