// Functions that glibc has, or has in a new version, since 2.35 or 2.36. The archives that a
// release is linked with need them. They are defined here so that a release also runs with glibc
// 2.34: on RHEL 9, Amazon Linux 2023 and Ubuntu 22.04. They are hidden, since libraries that are
// opened at run time use those of their own glibc.

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

#pragma GCC visibility push(hidden)

void arc4random_buf(void *bytes, size_t count);
uint32_t arc4random(void);
float hypotf(float x, float y);
int _dl_find_object(void *address, void *found);

// Since glibc 2.36; Embedded Swift's library and GCC 12's C++ library need it. It aborts if there
// are no random numbers, as glibc's does.
void arc4random_buf(void *bytes, size_t count) {
    enum { MOST = 256 }; // The most bytes of one getentropy(3).
    for (char *next = bytes; count > 0;) {
        const size_t length = count < MOST ? count : MOST;
        if (getentropy(next, length) != 0) abort();
        next += length;
        count -= length;
    }
}

uint32_t arc4random(void) {
    uint32_t number;
    arc4random_buf(&number, sizeof number);
    return number;
}

// In a new version since glibc 2.35; Swift's library needs it. The squares of two floats fit in a
// double.
float hypotf(float x, float y) {
    if (isinf(x) || isinf(y)) return INFINITY;
    return (float)sqrt((double)x * x + (double)y * y);
}

// Since glibc 2.35; the unwinder of GCC 12 needs it. It finds nothing: nothing is unwound, and a
// release has no table for that.
int _dl_find_object(void *address, void *found) {
    (void)address;
    (void)found;
    return -1;
}

#pragma GCC visibility pop
