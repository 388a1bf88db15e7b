/// Functions that the files of CPlatform share.

#ifndef KEYFOB_PLATFORM_H
#define KEYFOB_PLATFORM_H

#include "CPlatform.h"

/// Returns the variables that platform_harden has removed from the environment, as NAME=VALUE; a
/// null ends the list.
char *_Nullable const *_Nonnull platform_variables_before(void);

/// Makes a crash end the process with status 1, after the last words.
void platform_catch_crashes(void);

/// Undoes the settings of platform_harden that another program would inherit, except the variables.
void platform_soften(void);

#endif
