// Takes a lock, and waits for it until a deadline.

#include "CPlatform.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <time.h>

enum {
    longest_pause = 10 * 1000 * 1000,
    // The longest wait for any other lock, in milliseconds, once a wait has timed out.
    patience_after = 1000,
};

static long long nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int platform_lock(int file, unsigned milliseconds) {
    static atomic_bool has_waited_in_vain;
    const bool is_impatient = milliseconds > patience_after && atomic_load(&has_waited_in_vain);
    const long long patience = is_impatient ? patience_after : milliseconds;
    const long long end = nanoseconds() + patience * 1000000;
    // flock has no deadline of its own, and a signal to interrupt it would affect the whole
    // process.
    for (long pause = 250 * 1000;; pause = pause * 2 < longest_pause ? pause * 2 : longest_pause) {
        if (flock(file, LOCK_EX | LOCK_NB) == 0) return 1;
        if (errno != EWOULDBLOCK && errno != EINTR) return -errno;
        const long long left = end - nanoseconds();
        if (left <= 0) break;
        const struct timespec duration = {0, left < pause ? (long)left : pause};
        nanosleep(&duration, NULL);
    }
    if (milliseconds > 0) atomic_store(&has_waited_in_vain, true);
    return 0;
}
