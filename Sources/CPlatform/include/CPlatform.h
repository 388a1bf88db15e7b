/// The few functions of the system that Swift cannot import.

#ifndef KEYFOB_CPLATFORM_H
#define KEYFOB_CPLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

/// What a process that handles secrets does before anything else:
///
/// - each of the descriptors 0, 1 and 2 that is closed is given to a file that can neither be read
///   nor written, so that no other file gets its number;
/// - other processes of the same user cannot read its memory, the kernel does not write it to a
///   core file (PR_SET_DUMPABLE 0, RLIMIT_CORE 0), and the Swift runtime does not print it after a
///   crash;
/// - a crash, such as an abort for want of memory, ends it with status 1, after the last words;
/// - what it creates is the user's alone, and a reader that goes away or a file that becomes too long
///   is an error, not its end;
/// - variables by which GLib and libsecret print what they handle, load what they are told to, or
///   abort, are taken out of its environment.
///
/// False if that cannot be done: the process must end then.
bool platform_harden(void);

/// Whether the process has more rights than the user who started it: AT_SECURE.
bool platform_has_borrowed_rights(void);

/// Returns true for the user of this process and for root. In a user namespace that does not number
/// all users it is true for the overflow user too, as which root may be shown there.
bool platform_is_user_or_root(uid_t user);

/// Ends the process with status 1 after so many seconds, counted anew at each call, whatever it
/// is waiting for. If the answer has not been claimed by then, the last words are written first.
void platform_watchdog_start(unsigned seconds);

/// The texts that are written to standard output and to standard error when the watchdog or a crash
/// ends the process: a start, the reason, such as `timed out`, and an end with its line feed. All are ended by
/// NUL, and stay where they are as long as the process runs.
typedef struct {
    /// NULL: nothing is written to standard output.
    const char *_Nullable answer_start;
    const char *_Nullable answer_end;
    const char *complaint_start;
    const char *complaint_end;
} PlatformLastWords;

/// Sets what is written from now on. May be called four times.
void platform_set_last_words(PlatformLastWords words);

/// Claims the one answer of the process. Returns to one caller only: if the watchdog has claimed
/// it, this waits for the end of the process.
void platform_watchdog_claim(void);

/// Waits until no other process holds the lock of this file (flock), and takes it. Returns 1, 0 if
/// that took longer than so many milliseconds, or the negated error's number. A process that has
/// waited in vain once waits a second at most from then on, so that several locks that are held do
/// not add up.
int platform_lock(int file, unsigned milliseconds);

/// Why `platform_terminal_ask` has no answer.
enum {
    /// There is no terminal, or it is not this process's any more, or nobody waits for the answer.
    platform_terminal_absent = -1,
    platform_terminal_timed_out = -2,
    platform_terminal_too_long = -3,
    /// A signal arrived that would end the process. It has been raised again, after the terminal
    /// was put back.
    platform_terminal_interrupted = -4,
    /// A signal arrived that stops the process: `platform_terminal_stop` lets it.
    platform_terminal_stopped = -5,
    /// Of `platform_terminal_device` alone: there is a terminal, and no file to lock for it.
    platform_terminal_unnamed = -6,
};

/// Asks on the controlling terminal, and shows what is typed or not. Returns the number of bytes of
/// the answer, without the line's end, or why there is none. It waits for no more than so many
/// seconds. The terminal is put back before this returns, unless another program has changed it.
int platform_terminal_ask(const char *question, unsigned char *answer, int size, unsigned seconds,
                          bool shows);

/// Lets the signal that has arrived stop the process, and returns when it is continued: true if the
/// question can be asked again.
bool platform_terminal_stop(void);

/// Puts the terminal back if a question stands on it. Async-signal-safe.
void platform_terminal_put_back(void);

/// A descriptor of the file of the controlling terminal, the same file for every process that has
/// it, for a lock; or platform_terminal_absent or platform_terminal_unnamed.
int platform_terminal_device(void);

/// A variable for another program's environment. Its strings stay with the caller; copies are wiped.
typedef struct {
    const char *name;
    const unsigned char *value;
    size_t length;
} PlatformVariable;

/// Replaces this process by a program, found on PATH unless it holds a slash, with these variables
/// besides those that this process was started with. What `platform_harden` has set is restored.
/// Returns the error's number if that fails.
int platform_exec(char *_Nullable const *_Nonnull arguments, const PlatformVariable *variables,
                  size_t count);

/// As `platform_exec`, but in a child that is waited for; signals that are sent to this process,
/// and not to the terminal's whole group, are given on to it. The descriptor `kept`, if it is not
/// negative, stays open in it. Returns the child's exit status, 128 and the signal's number if one
/// ended it, or the negated error's number if it could not be started.
int platform_run(char *_Nullable const *_Nonnull arguments, const PlatformVariable *variables,
                 size_t count, int kept);

/// A program that has been started: a process that ends as the program ends, and the ends of its pipes,
/// which do not block and are the caller's to close.
typedef struct {
    pid_t process;
    /// The pipe to its standard input; negative if it reads nothing.
    int input;
    /// The pipe from its standard output.
    int output;
} PlatformChild;

/// Starts a program, found on PATH unless it holds a slash. It shares standard error and the terminal.
/// What `platform_harden` has set is restored, but for the variables. Returns 0, or the
/// error's number if it could not be started.
///
/// The process ends the program and all that it has started when `platform_child_end` is called, or
/// when the thread that called this ends before.
int platform_child_start(char *_Nullable const *_Nonnull arguments, bool reads,
                         PlatformChild *child);

/// Returns true if the child has ended: the status is that of its exit, or -1 if a signal ended it.
bool platform_child_has_ended(pid_t child, int *status);

/// Ends the program and all that it has started: with SIGTERM, and half a second later with SIGKILL.
/// Returns within three seconds.
void platform_child_end(pid_t child);

/// Removes a folder and all in it, and follows no link.
void platform_remove_folder(const char *path);

/// How many columns of a terminal a Unicode scalar takes: 0, 1 or 2 (wcwidth(3)).
int platform_columns(uint32_t scalar);

#pragma clang assume_nonnull end

#endif
