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

/* Keeps of [*begin, *end] the part where a quantity that goes evenly from q0 at t0 to q1 at t1 is below zero. */
static inline int kc_clip_below(double t0, double t1, double q0, double q1, double *begin, double *end) {
    if (q0 < 0.0 && q1 < 0.0) return 1;
    if (q0 >= 0.0 && q1 >= 0.0) return 0;
    double zero = t0 + (t1 - t0) * (q0 / (q0 - q1));
    if (q0 >= 0.0) {
        if (zero > *begin) *begin = zero;
    } else if (zero < *end) {
        *end = zero;
    }
    return *begin < *end;
}

/* The band of a leg at a share of its time. */
static inline void kc_band_at(const double *leg, double share, double *lower, double *upper) {
    *lower = leg[KC_LOWER] + share * (leg[KC_NODE + KC_LOWER] - leg[KC_LOWER]);
    *upper = leg[KC_UPPER] + share * (leg[KC_NODE + KC_UPPER] - leg[KC_UPPER]);
}

/* Whether two legs (each two nodes) come nearer than both figures by more than KC_DEPTH_M, and then when and where.
 *
 * `across` is along the ground, `height` between the bands, infinite if any height counts. `place` is halfway between.
 */
int kc_legs_meet(const double *leg, const double *other, double across, double height, kc_met *met);

/* Pairs of legs side by side, to be asked for together in a fraction of the time that each alone takes. */
enum { KC_LANES = 8, KC_PAIR_FIGURES = 4 * KC_NODE + 2 };
typedef struct {
    double figures[KC_PAIR_FIGURES][KC_LANES]; /* the nodes of a leg, of the other; across, height */
} kc_leg_pairs;

static inline void kc_put_pair(kc_leg_pairs *all, int lane, const double *leg, const double *other, double across,
                               double height) {
    for (int i = 0; i < 2 * KC_NODE; i++) {
        all->figures[i][lane] = leg[i];
        all->figures[2 * KC_NODE + i][lane] = other[i];
    }
    all->figures[4 * KC_NODE][lane] = across;
    all->figures[4 * KC_NODE + 1][lane] = height;
}

/* kc_legs_meet of each pair, the same answers to the bit. Returns which meet, a bit each; `met` of others is left. */
int kc_legs_meet_many(const kc_leg_pairs *pairs, kc_met met[KC_LANES]);

/* The same of two movers that may be up to `early` s ahead of their plans and up to `late` s behind.
 *
 * The stay is in true time; `place` is halfway between where their plans have them, each at its own moment, at nearest.
 */
int kc_legs_meet_loosely(const double *leg, double early, double late, const double *other, double other_early,
                         double other_late, double across, double height, kc_met *met);

#endif
