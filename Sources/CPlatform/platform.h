/// What the files of CPlatform share.

#ifndef KEYFOB_PLATFORM_H
#define KEYFOB_PLATFORM_H

#include "CPlatform.h"

/// The variables, as NAME=VALUE and ended by null, that platform_harden has taken out of the
/// environment.
char *_Nullable const *_Nonnull platform_variables_before(void);

/// From now on a crash ends the process with status 1, after the last words.
void platform_catch_crashes(void);

/// Takes back what platform_harden has set and another program would inherit.
void platform_soften(void);

#endif
