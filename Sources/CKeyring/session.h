/// The session in which libsecret encrypts the secrets that go over the bus.
///
/// libsecret's SecretService finds its connection and its provider by itself. This subclass is
/// given a connection, as if the provider itself were at the other end, so that its messages have
/// no destination. It reads no property, since it is used for the session only. It sets all this
/// after libsecret's constructor, which overwrites what the caller asked for.
///
/// libsecret makes its keys, which takes as long as a search, and then sends OpenSession at once.
/// That message is held until the provider may receive it: the provider may not have been found
/// when the session was begun, and gnome-keyring (42 to 50) exits if OpenSession comes from a
/// client that it does not know yet.

#pragma once

#include "keyring.h"

/// Sends libsecret's held message, if there is one and the provider may receive it.
void session_send_held(Keyring *keyring);

/// Opens the session, unless it is open, and waits until it is.
KeyringOutcome session_open(Keyring *keyring);
