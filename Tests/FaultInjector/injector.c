// The functions of libc by which a file store reaches the file system, each with a fault in front.

#define _GNU_SOURCE
#include "FaultInjector.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/// A call that is being made.
struct call {
    const char *name;
    char path[PATH_MAX];
    /// 0 if it is about another folder.
    int number;
    /// The errno with which it fails; 0 if it is made.
    int error;
    /// By how many times less it moves: 1, 2, or 0 for nothing at all.
    int part;
};

/// What a call does, for those faults that not every call can meet.
enum { MOVES_BYTES = 1, TAKES_ROOM = 2, CANNOT_BE_REFUSED = 4 };

static int calls;

#define REAL(function) ((__typeof__(&function)) real(#function))

static void *real(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (!function) abort();
    return function;
}

static void add_to_log(const char *line, size_t length)
{
    const char *path = getenv("FAULT_LOG");
    if (!path) return;
    long log = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0 || syscall(SYS_write, log, line, length) != (long) length) abort();
    syscall(SYS_close, log);
}

static void log_call(const struct call *call, const char *second, long result, int error)
{
    char line[2 * PATH_MAX + 100];
    int length = snprintf(line, sizeof line, "%d %s %s%s%s -> %ld%s%s\n", call->number, call->name,
                          call->path, *second ? " " : "", second, result, result < 0 ? " " : "",
                          result < 0 ? strerrorname_np(error) : "");
    add_to_log(line, (size_t) length);
}

/// The path of a name in a directory; of the directory's descriptor itself if there is no name.
static void find_path(char path[PATH_MAX], int directory, const char *name)
{
    char start[PATH_MAX] = "";
    if (directory != AT_FDCWD && (!name || *name != '/')) {
        char link[40];
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        long length = syscall(SYS_readlinkat, AT_FDCWD, link, start, sizeof start - 1);
        start[length < 0 ? 0 : length] = 0;
    }
    int length = !name ? snprintf(path, PATH_MAX, "%s", start)
        : *start ? snprintf(path, PATH_MAX, "%s/%s", start, name)
        : snprintf(path, PATH_MAX, "%s", name);
    if (length >= PATH_MAX) abort();
}

static bool is_inside(const char *path)
{
    const char *folder = getenv("FAULT_FOLDER");
    size_t length = folder ? strlen(folder) : 0;
    return folder && strncmp(path, folder, length) == 0 && (!path[length] || path[length] == '/');
}

/// Counts the call, and decides what becomes of it; does not return from the one that kills.
static struct call begin(const char *name, int directory, const char *file, int abilities)
{
    struct call call = {.name = name, .part = 1};
    int saved = errno;
    find_path(call.path, directory, file);
    errno = saved;
    if (!is_inside(call.path)) return call;
    call.number = ++calls;

    const char *at = getenv("FAULT_AT");
    const char *kind = getenv("FAULT_KIND");
    if (!at || !kind) return call;
    int first = atoi(at);
    int error = atoi(kind);
    bool stays = strchr(kind, '+');
    if (stays ? call.number < first : call.number != first) return call;
    if (stays && abilities & CANNOT_BE_REFUSED) return call;
    if (stays && (error == ENOSPC || error == EDQUOT) && !(abilities & TAKES_ROOM)) return call;
    if (error) {
        call.error = error;
    } else if (strcmp(kind, "kill") == 0) {
        log_call(&call, "killed", 0, 0);
        syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    } else if (abilities & MOVES_BYTES) {
        call.part = strcmp(kind, "short") == 0 ? 2 : 0;
    }
    return call;
}

/// Writes down what the call returns, and returns it.
static long end(const struct call *call, const char *second, long result)
{
    int saved = errno;
    if (call->number) log_call(call, second, result, saved);
    errno = saved;
    return result;
}

/// What a call returns that either fails or is made.
#define RESULT(call, second, made) \
    end(&call, second, call.error ? (errno = call.error, -1) : (long) (made))

/// The bytes that a call is to move, fewer if it must be short.
static size_t part_of(const struct call *call, size_t count)
{
    return call->part ? (count + (size_t) call->part - 1) / (size_t) call->part : 0;
}

// MARK: Opening and closing

static int open_in(const char *name, int directory, const char *path, int flags, mode_t mode)
{
    struct call call = begin(name, directory, path, flags & O_CREAT ? TAKES_ROOM : 0);
    const char *how = !(flags & O_CREAT) ? "" : flags & O_EXCL ? "new" : "create";
    return (int) RESULT(call, how, REAL(openat)(directory, path, flags, mode));
}

static mode_t mode_of(int flags, va_list arguments)
{
    return flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
}

int openat(int directory, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_in("openat", directory, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_in("open", AT_FDCWD, path, flags, mode);
}

/// Linux closes the descriptor even where it reports an error.
int close(int file)
{
    struct call call = begin("close", file, NULL, CANNOT_BE_REFUSED);
    int result = REAL(close)(file);
    return (int) RESULT(call, "", result);
}

int dup(int file)
{
    struct call call = begin("dup", file, NULL, 0);
    return (int) RESULT(call, "", REAL(dup)(file));
}

// MARK: Asking

int access(const char *path, int mode)
{
    struct call call = begin("access", AT_FDCWD, path, 0);
    return (int) RESULT(call, "", REAL(access)(path, mode));
}

int stat(const char *restrict path, struct stat *restrict status)
{
    struct call call = begin("stat", AT_FDCWD, path, 0);
    return (int) RESULT(call, "", REAL(stat)(path, status));
}

int lstat(const char *restrict path, struct stat *restrict status)
{
    struct call call = begin("lstat", AT_FDCWD, path, 0);
    return (int) RESULT(call, "", REAL(lstat)(path, status));
}

int fstat(int file, struct stat *status)
{
    struct call call = begin("fstat", file, NULL, 0);
    return (int) RESULT(call, "", REAL(fstat)(file, status));
}

int fstatat(int directory, const char *restrict path, struct stat *restrict status, int flags)
{
    struct call call = begin("fstatat", directory, path, 0);
    return (int) RESULT(call, "", REAL(fstatat)(directory, path, status, flags));
}

DIR *fdopendir(int file)
{
    struct call call = begin("fdopendir", file, NULL, 0);
    DIR *entries = call.error ? NULL : REAL(fdopendir)(file);
    if (call.error) errno = call.error;
    end(&call, "", entries ? 0 : -1);
    return entries;
}

struct dirent *readdir(DIR *entries)
{
    struct call call = begin("readdir", dirfd(entries), NULL, 0);
    struct dirent *entry = call.error ? NULL : REAL(readdir)(entries);
    if (call.error) errno = call.error;
    end(&call, "", call.error ? -1 : entry != NULL);
    return entry;
}

// MARK: Bytes

ssize_t read(int file, void *bytes, size_t count)
{
    struct call call = begin("read", file, NULL, MOVES_BYTES);
    return RESULT(call, "", REAL(read)(file, bytes, part_of(&call, count)));
}

ssize_t pread(int file, void *bytes, size_t count, off_t offset)
{
    struct call call = begin("pread", file, NULL, MOVES_BYTES);
    return RESULT(call, "", REAL(pread)(file, bytes, part_of(&call, count), offset));
}

ssize_t write(int file, const void *bytes, size_t count)
{
    struct call call = begin("write", file, NULL, MOVES_BYTES | TAKES_ROOM);
    return RESULT(call, "", REAL(write)(file, bytes, part_of(&call, count)));
}

// MARK: Changing

int fchmod(int file, mode_t mode)
{
    struct call call = begin("fchmod", file, NULL, 0);
    return (int) RESULT(call, "", REAL(fchmod)(file, mode));
}

int flock(int file, int operation)
{
    struct call call = begin("flock", file, NULL, 0);
    return (int) RESULT(call, "", REAL(flock)(file, operation));
}

/// Not made where it is counted: the tests ask what was to be on the disk, and have no time for it.
int fsync(int file)
{
    struct call call = begin("fsync", file, NULL, TAKES_ROOM);
    return (int) RESULT(call, "", call.number ? 0 : REAL(fsync)(file));
}

int mkdirat(int directory, const char *path, mode_t mode)
{
    struct call call = begin("mkdirat", directory, path, TAKES_ROOM);
    return (int) RESULT(call, "", REAL(mkdirat)(directory, path, mode));
}

int unlinkat(int directory, const char *path, int flags)
{
    struct call call = begin("unlinkat", directory, path, 0);
    return (int) RESULT(call, "", REAL(unlinkat)(directory, path, flags));
}

int renameat(int from, const char *old, int to, const char *new)
{
    struct call call = begin("renameat", from, old, TAKES_ROOM);
    char target[PATH_MAX];
    find_path(target, to, new);
    return (int) RESULT(call, target, REAL(renameat)(from, old, to, new));
}

int linkat(int from, const char *old, int to, const char *new, int flags)
{
    struct call call = begin("linkat", from, old, TAKES_ROOM);
    char target[PATH_MAX];
    find_path(target, to, new);
    return (int) RESULT(call, target, REAL(linkat)(from, old, to, new, flags));
}
