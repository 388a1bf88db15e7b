/// The provider of the Secret Service: the process that owns its name on the bus.

#pragma once

#include "keyring.h"

/// Says Hello to a bus that is new to us, and asks who the provider is. Waits for nothing.
void provider_begin_lookup(Keyring *keyring);

/// Frees what was asked and not looked at.
void provider_end_lookup(Keyring *keyring);

/// Whether the provider that was found still owns the name.
bool provider_is_there(Keyring *keyring);
