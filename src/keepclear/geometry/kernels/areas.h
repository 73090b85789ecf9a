/* Volumes: a mover on a leg near one, and two near one another. */
#ifndef KEEPCLEAR_AREAS_H
#define KEEPCLEAR_AREAS_H

#include "ways.h"

/* The stays of a mover on one leg within both figures of a volume, each deeper than KC_DEPTH_M, in order of time.
 *
 * The mover may be up to `early` s ahead of its plan and `late` s behind. `across` 0 asks for being within the outline
 * at all. At most `room` stays are written; returns how many there are. `place` is the mover's.
 */
int kc_leg_meets_volume(const double *leg, double early, double late, const kc_plans *plans, int64_t volume,
                        double across, double height, kc_met *stays, int room);

/* Whether two volumes are within both figures while both last; `place` is in both areas, or between where nearest. */
int kc_volumes_meet(const kc_plans *plans, int64_t volume, const kc_plans *others, int64_t other, double across,
                    double height, kc_met *met);

#endif
