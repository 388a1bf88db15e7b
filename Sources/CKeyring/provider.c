#include "provider.h"

#include "calls.h"

#include <stdlib.h>
#include <string.h>

enum { HELLO_MILLISECONDS = 2000, START_MILLISECONDS = 10000 };

/// The first calls to a bus, which are sent together.
enum { Hello, Owner, GnomeOwner };

static void ask_owners(Keyring *keyring) {
    call_send_to_bus(keyring, &keyring->lookup_batch, &keyring->lookup[Owner], "GetNameOwner",
                     library.g_variant_new("(s)", SERVICE_NAME), HELLO_MILLISECONDS);
    call_send_to_bus(keyring, &keyring->lookup_batch, &keyring->lookup[GnomeOwner],
                     "GetNameOwner", library.g_variant_new("(s)", "org.gnome.keyring"),
                     HELLO_MILLISECONDS);
}

void provider_begin_lookup(Keyring *keyring) {
    call_send_to_bus(keyring, &keyring->lookup_batch, &keyring->lookup[Hello], "Hello",
                     library.g_variant_new("()"), HELLO_MILLISECONDS);
    ask_owners(keyring);
}

static KeyringOutcome hello_outcome(Keyring *keyring, const Call *hello) {
    if (hello->state == CallDisconnected)
        // A bus that does not know this user may hang up only now.
        return fail(keyring->reason, KeyringOutcomeRefused,
                    "the session bus refused the authentication");
    if (hello->state == CallTimedOut)
        return fail(keyring->reason, KeyringOutcomeTimedOut, "the session bus did not answer");
    return call_outcome(keyring, hello, "(s)");
}

static KeyringOutcome take_owners(Keyring *keyring) {
    const Call *owner = &keyring->lookup[Owner], *gnome_owner = &keyring->lookup[GnomeOwner];
    const KeyringOutcome outcome = call_outcome(keyring, owner, "(s)");
    if (outcome != KeyringOutcomeDone)
        return outcome;
    const char *provider, *gnome;
    library.g_variant_get(owner->body, "(&s)", &provider);
    if (!library.g_dbus_is_name(provider))
        return fail_wrong_type(keyring);
    keyring->provider = strdup(provider);
    if (keyring->provider == NULL)
        abort();
    if (call_outcome(keyring, gnome_owner, "(s)") == KeyringOutcomeDone) {
        library.g_variant_get(gnome_owner->body, "(&s)", &gnome);
        keyring->is_gnome_keyring = strcmp(gnome, provider) == 0;
    }
    // gnome-keyring (42 to 50) knows a client once it has answered a search: a filter in GDBus's
    // thread leaves the registration of a new client to an idle source of the main loop, which may
    // run after the call that needs it (gkd-secret-service.c, ensure_client_for_sender).
    keyring->is_known = !keyring->is_gnome_keyring;
    return KeyringOutcomeDone;
}

/// Returns true if the bus replied that it has no such service, or could not start it.
static bool means_no_provider(const Call *call) {
    static const char spawn[] = BUS_NAME ".Error.Spawn.";
    const char *error = call_error(call);
    return error != NULL && (strcmp(error, BUS_NAME ".Error.ServiceUnknown") == 0 ||
                             strcmp(error, BUS_NAME ".Error.NameHasNoOwner") == 0 ||
                             strncmp(error, spawn, sizeof spawn - 1) == 0);
}

/// Makes the bus start the provider, and waits for that.
static KeyringOutcome start_provider(Keyring *keyring) {
    Call call;
    Batch batch = {0};
    call_send_to_bus(keyring, &batch, &call, "StartServiceByName",
                     library.g_variant_new("(su)", SERVICE_NAME, (guint32)0), START_MILLISECONDS);
    calls_finish(keyring, &batch);
    KeyringOutcome outcome = call_outcome(keyring, &call, "(u)");
    if (means_no_provider(&call))
        outcome = fail(keyring->reason, KeyringOutcomeAbsent,
                       "no Secret Service on the session bus");
    else if (outcome == KeyringOutcomeTimedOut)
        outcome = fail(keyring->reason, outcome, "the keyring did not start in time");
    call_clear(&call);
    return outcome;
}

KeyringOutcome keyring_find_provider(Keyring *keyring) {
    if (keyring->provider != NULL)
        return KeyringOutcomeDone;
    calls_finish(keyring, &keyring->lookup_batch);
    KeyringOutcome outcome = hello_outcome(keyring, &keyring->lookup[Hello]);
    if (outcome == KeyringOutcomeDone && means_no_provider(&keyring->lookup[Owner])) {
        outcome = start_provider(keyring);
        if (outcome == KeyringOutcomeDone) {
            calls_cancel(keyring, &keyring->lookup[Owner], 2);
            ask_owners(keyring);
            calls_finish(keyring, &keyring->lookup_batch);
        }
    }
    if (outcome == KeyringOutcomeDone)
        outcome = take_owners(keyring);
    return outcome;
}

bool keyring_finds_locked_items(const Keyring *keyring) { return keyring->is_gnome_keyring; }

bool keyring_provider_owns(Keyring *keyring, const char *name) {
    const char *owner = "";
    if (call_bus_and_wait(keyring, "GetNameOwner", name, "(s)") == KeyringOutcomeDone)
        library.g_variant_get(keyring->call.body, "(&s)", &owner);
    return keyring->provider != NULL && strcmp(owner, keyring->provider) == 0;
}

uint32_t keyring_provider_process(Keyring *keyring) {
    guint32 process = 0;
    if (call_bus_and_wait(keyring, "GetConnectionUnixProcessID", keyring->provider, "(u)") ==
        KeyringOutcomeDone)
        library.g_variant_get(keyring->call.body, "(u)", &process);
    return process;
}
