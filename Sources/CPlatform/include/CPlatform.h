/// The few functions of the system that Swift cannot import.

#ifndef KEYFOB_CPLATFORM_H
#define KEYFOB_CPLATFORM_H

#pragma clang assume_nonnull begin

/// Keeps other processes of the same user from reading this one's memory, and the kernel from
/// writing it to a core file: PR_SET_DUMPABLE 0, RLIMIT_CORE 0.
void platform_hide_memory(void);

#pragma clang assume_nonnull end

#endif
