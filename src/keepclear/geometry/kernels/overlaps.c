#include "areas.h"
#include "outlines.h"

int kc_volumes_meet(const kc_plans *plans, int64_t volume, const kc_plans *others, int64_t other, double across,
                    double height, kc_met *met) {
    (void)plans, (void)volume, (void)others, (void)other, (void)across, (void)height, (void)met;
    return 0;
}
