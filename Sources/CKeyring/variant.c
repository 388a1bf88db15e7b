#include "variant.h"

#include <stdlib.h>
#include <string.h>

void *allocate(size_t count, size_t size) {
    void *memory = calloc(count > 0 ? count : 1, size);
    if (memory == NULL)
        abort();
    return memory;
}

const char *reply_path(const Call *call, size_t member) {
    const char *path;
    library.g_variant_get_child(call->body, member, "&o", &path);
    return strcmp(path, "/") == 0 ? NULL : path;
}

GVariant *attributes_variant(const char *const *attributes, size_t count) {
    GVariantBuilder builder;
    library.g_variant_builder_init(&builder, (const GVariantType *)"a{ss}");
    for (size_t index = 0; index < count; index++)
        library.g_variant_builder_add(&builder, "{ss}", attributes[2 * index],
                                      attributes[2 * index + 1]);
    return library.g_variant_builder_end(&builder);
}

GVariant *paths_variant(const char *const *paths, size_t count) {
    GVariantBuilder builder;
    library.g_variant_builder_init(&builder, (const GVariantType *)"ao");
    for (size_t index = 0; index < count; index++)
        library.g_variant_builder_add(&builder, "o", paths[index]);
    return library.g_variant_builder_end(&builder);
}
