/// The few functions of the system that Swift cannot import.

#ifndef KEYFOB_CPLATFORM_H
#define KEYFOB_CPLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

/// Prepares a process that handles secrets, before it does anything else:
///
/// - Each of the descriptors 0, 1 and 2 that is closed is opened on a file that can neither be read
///   nor written, so that no other file gets its number.
/// - Other processes of the same user cannot read its memory, the kernel does not write it to a
///   core file (PR_SET_DUMPABLE 0, RLIMIT_CORE 0), and the Swift runtime does not print it after a
///   crash.
/// - A crash, such as an abort for lack of memory, ends it with status 1, after the last words.
/// - The files that it creates are accessible to the user only. A reader that closes the pipe, or a
///   file that becomes too long, is an error and does not end it.
/// - Variables by which GLib and libsecret print the data that they handle, load other modules, or
///   abort, are removed from its environment.
///
/// Returns false if that fails: the process must end then.
bool platform_harden(void);

/// Returns the name by which the program was called and its arguments, ended by null.
char *_Nullable const *_Nonnull platform_arguments(void);

/// Returns true if the process has more rights than the user who started it: AT_SECURE.
bool platform_has_borrowed_rights(void);

/// Returns true for the user of this process and for root. In a user namespace that does not number
/// all users it also returns true for the overflow user, since root may be shown as that user
/// there.
bool platform_is_user_or_root(uid_t user);

/// Ends the process with status 1 after so many seconds from the last call, whatever it waits for.
/// If the answer has not been claimed by then, the last words are written first.
void platform_watchdog_start(unsigned seconds);

/// The texts that are written to standard output and to standard error when the watchdog or a crash
/// ends the process: a start, the reason, such as `timed out`, and an end with its line feed. All
/// end in NUL, and must be valid as long as the process runs.
typedef struct {
    /// NULL if nothing is to be written to standard output.
    const char *_Nullable answer_start;
    const char *_Nullable answer_end;
    const char *complaint_start;
    const char *complaint_end;
} PlatformLastWords;

/// Sets the texts that are written from now on. It may be called four times.
void platform_set_last_words(PlatformLastWords words);

/// Claims the one answer of the process. It returns to one caller only: if the watchdog has claimed
/// the answer, it waits for the end of the process.
void platform_watchdog_claim(void);

/// Waits until no other process holds the lock of this file (flock), and takes it. Returns 1; or 0
/// if that took longer than so many seconds; or the negated error number. Processes that wait get it
/// in the order of their calls. After one timeout, a process waits at most a second for any other
/// lock, so that the waits for several held locks do not add up.
int platform_lock(int file, unsigned seconds);

/// The reasons why `platform_terminal_ask` has no answer.
enum {
    /// There is no terminal, or it is no longer this process's, or no process waits for the answer.
    platform_terminal_absent = -1,
    platform_terminal_timed_out = -2,
    platform_terminal_too_long = -3,
    /// A signal arrived that would end the process. It has been raised again, after the terminal
    /// was restored.
    platform_terminal_interrupted = -4,
    /// A signal arrived that stops the process: `platform_terminal_stop` lets it do so.
    platform_terminal_stopped = -5,
    /// There is a terminal, but no file to lock for it; only `platform_terminal_device` returns
    /// this.
    platform_terminal_unnamed = -6,
};

/// Asks on the controlling terminal; the answer is shown as it is typed if `shows` is true. Returns
/// the number of bytes of the answer, without the end of the line, or a reason from above. It waits
/// for at most so many seconds. The terminal is restored before this returns, unless another
/// program has changed it.
int platform_terminal_ask(const char *question, unsigned char *answer, int size, unsigned seconds,
                          bool shows);

/// Lets the signal that has arrived stop the process, and returns when it is continued: true if the
/// question can be asked again.
bool platform_terminal_stop(void);

/// Restores the terminal if a question is being asked on it. Async-signal-safe.
void platform_terminal_put_back(void);

/// Returns a descriptor of the controlling terminal's file, which is the same file for every
/// process of that terminal, so that it can be locked; or platform_terminal_absent or
/// platform_terminal_unnamed.
int platform_terminal_device(void);

/// A variable for another program's environment. Its strings belong to the caller; copies are
/// wiped.
typedef struct {
    const char *name;
    const unsigned char *value;
    size_t length;
} PlatformVariable;

/// Replaces this process by a program, which is searched for on PATH unless it contains a slash,
/// with these variables besides those that this process was started with. The settings of
/// `platform_harden` are undone. Returns the error number if that fails.
int platform_exec(char *_Nullable const *_Nonnull arguments, const PlatformVariable *variables,
                  size_t count);

/// Like `platform_exec`, but runs the program in a child and waits for it. Signals that are sent to
/// this process, and not to the terminal's whole group, are passed on to the child. The descriptor
/// `kept`, if it is not negative, stays open in it. Returns the child's exit status, 128 plus the
/// signal's number if a signal ended it, or the negated error number if it could not be started.
int platform_run(char *_Nullable const *_Nonnull arguments, const PlatformVariable *variables,
                 size_t count, int kept);

/// A program that has been started: a process that ends when the program ends, and the ends of its
/// pipes, which do not block and which the caller must close.
typedef struct {
    pid_t process;
    /// The pipe to its standard input; negative if it has no input.
    int input;
    /// The pipe from its standard output.
    int output;
} PlatformChild;

/// Starts a program, which is searched for on PATH unless it contains a slash. It shares standard
/// error and the terminal. The settings of `platform_harden` are undone, except the variables.
/// Returns 0, or the error number if it could not be started.
///
/// The process ends the program and everything that it has started when `platform_child_end` is
/// called, or earlier if the thread that called this ends.
int platform_child_start(char *_Nullable const *_Nonnull arguments, bool reads,
                         PlatformChild *child);

/// Returns true if the child has ended. The status is its exit status, or -1 if a signal ended it.
bool platform_child_has_ended(pid_t child, int *status);

/// Ends the program and everything that it has started: with SIGTERM, and half a second later with
/// SIGKILL. Returns within three seconds.
void platform_child_end(pid_t child);

/// Removes a folder and everything in it. Follows no link.
void platform_remove_folder(const char *path);

/// Calls `body` once for each number below `count`, in at most `threads` threads at once, and at
/// most 17, of which this is one. Returns when all calls have returned.
void platform_in_parallel(size_t count, unsigned threads,
                          void (*body)(void *context, size_t index), void *context);

/// Returns the number of columns that a Unicode scalar takes on a terminal: 0, 1 or 2 (wcwidth(3)).
int platform_columns(uint32_t scalar);

/// This process has no session keyring that belongs to its user and to only one session. Only
/// `platform_key_publish` returns this.
enum { platform_key_no_session = -4096 };

/// Adds a key to the kernel, in place of one with the same name and scope: for all processes of
/// this user, or only for those of this login session. It expires after so many seconds, at least
/// one. Returns 0, platform_key_no_session, or the negated error number. Even if this process dies
/// meanwhile, no key without a timeout is left where another process can find it.
int platform_key_publish(const char *name, const unsigned char *content, size_t size,
                         unsigned seconds, bool is_for_session);

/// Returns the number of the key with this name, or the negated error number. A key that has
/// expired or was revoked may be found for some minutes; the error is then EKEYEXPIRED or
/// EKEYREVOKED.
int platform_key_find(const char *name, bool is_for_session);

/// Returns the size of the key's content, of which at most `size` bytes are written to `content`,
/// or the negated error number.
long platform_key_read(int key, unsigned char *content, size_t size);

/// Invalidates a key at once, wherever it is linked; takes an expired key out of the user's and the
/// session's keyring. Returns 0 or the negated error number.
int platform_key_remove(int key);

#pragma clang assume_nonnull end

#endif
