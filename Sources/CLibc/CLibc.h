/// The C library, for Swift with its full runtime and for Embedded Swift, which has no module Glibc;
/// and what of it Swift cannot import: macros that are no number, calls with a variable number of
/// arguments, and variables.
///
/// Without _GNU_SOURCE, like the C modules of Swift's own: it changes structures, and one program
/// cannot have both.

#ifndef KEYFOB_CLIBC_H
#define KEYFOB_CLIBC_H

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#pragma clang assume_nonnull begin

static inline int libc_errno(void) { return errno; }
static inline void libc_set_errno(int number) { errno = number; }

/// Returns so many bytes of new memory, all zero, in pages of its own; null if there is none.
static inline void *_Nullable libc_map(size_t length) {
    void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

enum { libc_large_page = 2 << 20 };

/// Like `libc_map`, for a multiple of libc_large_page. The memory is in large pages, if the kernel
/// has them: it takes as long for 2 MiB then as for a few dozen small pages.
static inline void *_Nullable libc_map_large(size_t length) {
    char *start = libc_map(length + libc_large_page);
    if (start == NULL) return NULL;
    const size_t before = -(uintptr_t)start % libc_large_page;
    if (before > 0) munmap(start, before);
    start += before;
    munmap(start + length, libc_large_page - before);
    madvise(start, length, MADV_HUGEPAGE);
    return start;
}

/// open(2), openat(2). The mode is that of a file that is created.
static inline int libc_open(const char *path, int flags) { return open(path, flags); }
static inline int libc_open_at(int directory, const char *path, int flags, mode_t mode) {
    return openat(directory, path, flags, mode);
}

/// Returns the columns of the terminal; 0 if that is not known, or the descriptor is of none.
static inline unsigned libc_columns(int terminal) {
    struct winsize size;
    return ioctl(terminal, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

extern char *_Nullable *_Nonnull environ;

/// Returns the variables, as NAME=VALUE and ended by null.
static inline char *_Nullable *_Nonnull libc_environment(void) { return environ; }

static inline const char *libc_entry_name(const struct dirent *entry) { return entry->d_name; }

#pragma clang assume_nonnull end

#endif
