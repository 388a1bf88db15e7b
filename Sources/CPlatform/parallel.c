#include "CPlatform.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct {
    atomic_size_t next;
    size_t count;
    void (*body)(void *context, size_t index);
    void *context;
} Work;

static void *take_part(void *argument) {
    Work *work = argument;
    for (;;) {
        const size_t index = atomic_fetch_add(&work->next, 1);
        if (index >= work->count) return NULL;
        work->body(work->context, index);
    }
}

void platform_in_parallel(size_t count, unsigned threads,
                          void (*body)(void *context, size_t index), void *context) {
    enum { limit = 16 };
    Work work = {.count = count, .body = body, .context = context};
    pthread_t others[limit];
    unsigned started = 0;
    // If no other thread can be started, this one does all of the work.
    while (started + 1 < threads && started + 1 < count && started < limit &&
           pthread_create(&others[started], NULL, take_part, &work) == 0)
        started++;
    take_part(&work);
    while (started > 0) pthread_join(others[--started], NULL);
}
