#include "CPlatform.h"

#include <sys/prctl.h>
#include <sys/resource.h>

void platform_hide_memory(void) {
    const struct rlimit none = {0, 0};
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
}
