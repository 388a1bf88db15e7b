#include "outcome.h"

#include <stdarg.h>
#include <stdio.h>

KeyringOutcome fail(char *reason, KeyringOutcome outcome, const char *format, ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(reason, REASON_SIZE, format, values);
    va_end(values);
    // A message of the loader, or of GLib, may have several lines.
    for (char *byte = reason; *byte != '\0'; byte++)
        if ((unsigned char)*byte < 0x20 || *byte == 0x7F)
            *byte = ' ';
    return outcome;
}
