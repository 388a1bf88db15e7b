/// Conversion of values on the bus to and from C.

#pragma once

#include "calls.h"

/// Returns memory for so many elements, all zero; never null.
void *allocate(size_t count, size_t size);

/// Returns the path that is this member of the reply's body; null for "/", which stands for none.
const char *reply_path(const Call *call, size_t member);

/// Returns a floating `a{ss}` of so many names, each followed by its value.
GVariant *attributes_variant(const char *const *attributes, size_t count);

/// Returns a floating `ao`.
GVariant *paths_variant(const char *const *paths, size_t count);
