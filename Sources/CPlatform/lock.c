// Takes a lock, and waits for it until a deadline.

// For SIGEV_THREAD_ID and gettid.
#define _GNU_SOURCE

#include "CPlatform.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

// glibc 2.36 has no name for this member, see timer_create(2).
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
    // The longest wait for any other lock, in seconds, once a wait has timed out.
    patience_after = 1,
    // A signal that arrives before flock waits interrupts nothing, so it is sent again after so
    // many nanoseconds.
    repetition = 10 * 1000 * 1000,
};

static void interrupt(int signal) { (void)signal; }

/// Lets a signal interrupt what this thread waits for after so many seconds. Returns 0, or an error
/// number.
static int start_timer(unsigned seconds, timer_t *timer) {
    const int number = SIGRTMIN;
    struct sigaction action = {.sa_handler = interrupt};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = number};
    event.sigev_notify_thread_id = gettid();
    const struct itimerspec times = {
        .it_value = {seconds, 0},
        .it_interval = {0, repetition},
    };
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    if (sigaction(number, &action, NULL) != 0) return errno;
    const int error = pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    if (error != 0) return error;
    if (timer_create(CLOCK_MONOTONIC, &event, timer) != 0) return errno;
    timer_settime(*timer, 0, &times, NULL);
    return 0;
}

static bool is_after(struct timespec end) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec);
}

/// Waits with a blocking flock, which the kernel answers in the order of the calls: of processes
/// that try again and again, some would never be the first.
static int wait_for_lock(int file, unsigned seconds) {
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += seconds;
    timer_t timer;
    const int error = start_timer(seconds, &timer);
    if (error != 0) return -error;
    int result;
    do {
        result = flock(file, LOCK_EX) == 0 ? 1 : errno == EINTR ? 0 : -errno;
    } while (result == 0 && !is_after(end));
    timer_delete(timer);
    return result;
}

int platform_lock(int file, unsigned seconds) {
    static atomic_bool has_waited_in_vain;
    if (flock(file, LOCK_EX | LOCK_NB) == 0) return 1;
    if (errno != EWOULDBLOCK && errno != EINTR) return -errno;
    if (seconds == 0) return 0;
    const bool is_impatient = seconds > patience_after && atomic_load(&has_waited_in_vain);
    const int result = wait_for_lock(file, is_impatient ? patience_after : seconds);
    if (result == 0) atomic_store(&has_waited_in_vain, true);
    return result;
}
