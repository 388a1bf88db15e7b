/// The outcome of a call, and its reason.

#pragma once

#include "CKeyring.h"

enum { REASON_SIZE = 512 };

/// Writes the reason, in one line of at most REASON_SIZE bytes, and returns the outcome.
__attribute__((format(printf, 3, 4))) KeyringOutcome fail(char *reason, KeyringOutcome outcome,
                                                          const char *format, ...);
