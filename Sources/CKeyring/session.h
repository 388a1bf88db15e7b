/// The session in which libsecret encrypts the secrets that go over the bus.
///
/// A SecretService finds its own connection and its own provider. Our subclass is given its
/// connection, to the provider itself, and reads no property: it is there for the session only. Its
/// class sets that after libsecret's constructor, which overwrites what the caller asked for.
///
/// libsecret makes its keys, which takes as long as a search, and then asks the provider at once.
/// That call is held until the provider may be told: it goes to nobody by name, since the provider
/// may not have been found when the session was begun, and gnome-keyring (42 to 50) ends itself over
/// OpenSession from a client that it does not know yet.

#pragma once

#include "keyring.h"

/// Sends what libsecret wants to say, if the provider is known.
void session_send_held(Keyring *keyring);

/// Returns when the session is open.
KeyringOutcome session_open(Keyring *keyring);
