/* Two movers, each on one leg: from when to when they are too near. */
#ifndef KEEPCLEAR_WAYS_H
#define KEEPCLEAR_WAYS_H

#include "earth.h"
#include "kernels.h"

/* A stay too near, of two legs or of a leg and an area. Seconds as the nodes have them, metres. */
typedef struct {
    double t0, t1, nearest_t, horizontal, vertical;
    double place[3];
} kc_met;

/* Whether two legs (each two nodes) come nearer than both figures by more than KC_DEPTH_M, and then when and where.
 *
 * `across` is along the ground, `height` between the bands, infinite if any height counts. `place` is halfway between.
 */
int kc_legs_meet(const double *leg, const double *other, double across, double height, kc_met *met);

#endif
