// Functions that glibc has had, or has had anew, since 2.35. The archives that a release is linked
// with ask for them. They are given from within, so that what is built here also runs with glibc
// 2.34: on RHEL 9, Amazon Linux 2023 and Ubuntu 22.04. Hidden, since libraries that are opened at
// run time have those of their own glibc.

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

#pragma GCC visibility push(hidden)

void arc4random_buf(void *bytes, size_t count);
uint32_t arc4random(void);
float hypotf(float x, float y);
int _dl_find_object(void *address, void *found);

// glibc 2.36, for Embedded Swift's library and GCC 12's C++ library. Without random numbers there
// is no way on, as in glibc.
void arc4random_buf(void *bytes, size_t count) {
    enum { MOST = 256 }; // of one getentropy(3)
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

// A new version in glibc 2.35, for Swift's library. The squares of two floats fit in a double.
float hypotf(float x, float y) {
    if (isinf(x) || isinf(y)) return INFINITY;
    return (float)sqrt((double)x * x + (double)y * y);
}

// glibc 2.35, for the unwinder of GCC 12, which finds nothing with it: nothing is unwound, and the
// release has no table for it.
int _dl_find_object(void *address, void *found) {
    (void)address;
    (void)found;
    return -1;
}

#pragma GCC visibility pop
