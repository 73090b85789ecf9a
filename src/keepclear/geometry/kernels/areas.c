#include "areas.h"

int kc_leg_meets_volume(const double *leg, double early, double late, const kc_plans *plans, int64_t volume,
                        double across, double height, kc_met *stays, int room) {
    (void)leg, (void)early, (void)late, (void)plans, (void)volume, (void)across, (void)height, (void)stays, (void)room;
    return 0;
}

int kc_volumes_meet(const kc_plans *plans, int64_t volume, const kc_plans *others, int64_t other, double across,
                    double height, kc_met *met) {
    (void)plans, (void)volume, (void)others, (void)other, (void)across, (void)height, (void)met;
    return 0;
}
