/* Volumes: a mover on a leg near one, places in one, and two near one another. */
#ifndef KEEPCLEAR_AREAS_H
#define KEEPCLEAR_AREAS_H

#include "ways.h"

/* The stays of a mover on one leg within both figures of a volume, each deeper than KC_DEPTH_M, in order of time.
 *
 * The mover may be up to `early` s ahead of its plan and `late` s behind. `across` (metres, up to 500 km) 0 asks for
 * being within the outline at all. At most `room` stays are written; returns how many there are, or -1 if there is no
 * memory. `horizontal` is 0 where the mover is within the area, and `nearest_t` then when it first is; `place` is the
 * mover's.
 */
KC_EXPORT int kc_leg_meets_volume(const double *leg, double early, double late, const kc_plans *plans, int64_t volume,
                                  double across, double height, kc_met *stays, int room);

/* Whether two volumes are within both figures while both last; -1 if there is no memory. `across` 0 asks that some
 * place of one lie in the other, deeper than KC_DEPTH_M. `place` is in both areas, or between where nearest. */
KC_EXPORT int kc_volumes_meet(const kc_plans *plans, int64_t volume, const kc_plans *others, int64_t other,
                              double across, double height, kc_met *met);

/* Metres from each of n points (x, y, z on the ellipsoid) to the rim of a volume's area, negative within: as kc_depth. */
KC_EXPORT void kc_points_in_area(const kc_plans *plans, int64_t volume, const double *points, int64_t n, double *depth);

/* Fills `areas` of `plans`, whose rings and vertices are in place; circles (k, 3) latitude and longitude in degrees, radius, NaN if a polygon.
 *
 * False if there is no memory. */
KC_EXPORT int kc_pack_areas(const kc_plans *plans, int64_t volumes, const double *circles, double *areas);

/* Says (1 or 0, one byte for each of k volumes) which areas are surely in order: circles, and single outlines of at most
 * 64 vertices, cut, that neither cross nor touch themselves, enclose more than next to nothing and are not too wide. */
KC_EXPORT void kc_plain_outlines(const kc_plans *plans, int64_t volumes, uint8_t *sure);

#endif
