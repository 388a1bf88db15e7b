/// The provider of the Secret Service: the process that owns its name on the bus.

#pragma once

#include "keyring.h"

/// Says Hello to a bus that is new to us, and asks who the provider is. Waits for nothing.
void provider_begin_lookup(Keyring *keyring);
