/// The provider of the Secret Service: the process that owns its name on the bus.

#pragma once

#include "keyring.h"

/// Says Hello to a bus that does not know this process yet, and asks for the provider. Waits for
/// nothing.
void provider_begin_lookup(Keyring *keyring);
