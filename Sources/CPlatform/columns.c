// The width of text on a terminal.

#define _XOPEN_SOURCE 700

#include "include/CPlatform.h"

#include <locale.h>
#include <wchar.h>

int platform_columns(uint32_t scalar)
{
    static bool is_set;
    if (!is_set) is_set = setlocale(LC_CTYPE, "C.UTF-8") != NULL;
    int columns = wcwidth((wchar_t)scalar);
    return columns < 0 ? 0 : columns;
}
