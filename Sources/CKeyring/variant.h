/// Values on the bus, to and from C.

#pragma once

#include "calls.h"

/// Memory for so many, all zero; never null.
void *allocate(size_t count, size_t size);

/// The path that is a member of the reply's body; null for "/", which stands for none.
const char *reply_path(const Call *call, size_t member);

/// A floating `a{ss}` of so many names, each with its value behind it.
GVariant *attributes_variant(const char *const *attributes, size_t count);

/// A floating `ao`.
GVariant *paths_variant(const char *const *paths, size_t count);
