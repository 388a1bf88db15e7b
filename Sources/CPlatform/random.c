// Random bytes of the kernel's, for Swift's library. Embedded Swift calls arc4random_buf(3) to seed its
// hashes, which glibc has since 2.36 only.

#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void arc4random_buf(void *memory, size_t count) {
    unsigned char *next = memory;
    while (count > 0) {
        const ssize_t length = getrandom(next, count, 0);
        if (length < 0 && errno != EINTR) abort();
        if (length > 0) next += length, count -= (size_t)length;
    }
}
