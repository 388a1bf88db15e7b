// `ceil`, which Swift's dictionaries call. It is defined here so that the helper does not load libm
// for it, which takes a tenth of its start. It is hidden, since libraries use that of libm.

#include <stdint.h>

__attribute__((visibility("hidden"))) double ceil(double value);

double ceil(double value) {
    // Numbers that are larger are whole, and what is not a number stays that.
    if (!(value > -0x1p52 && value < 0x1p52)) return value;
    double whole = (double)(int64_t)value;
    return whole < value ? whole + 1 : whole;
}
