/* libFuzzer's own entry, which its library has and no header. */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*examine)(const uint8_t *input, size_t count));
