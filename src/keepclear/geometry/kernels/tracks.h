/* Plans laid out for a sweep through time: their ways and volumes as tracks, level by level, in the order they begin. */
#ifndef KEEPCLEAR_TRACKS_H
#define KEEPCLEAR_TRACKS_H

#include "balls.h"
#include "sweep.h"

enum { KC_LEVELS = 12, KC_FINER = 3 }; /* a level's slabs are 1 << KC_FINER times as wide as those of the one below */
static const double KC_SLIP_S = 1e-5;  /* so far outside its slab a stay may begin by rounding */

/* A way or a volume. */
typedef struct {
    double begin, end, wish; /* when it is there, and the width of slab that suits it, s */
    int64_t plan, volume;    /* `volume` is -1 for a way */
} kc_track;

/* What a part of the plans was laid out to: how many tracks, and sums over them. */
typedef struct {
    int64_t count;
    double weights, logs;      /* in how many slabs they would be, and the logarithms of their wishes, so weighted */
    double begin, end;         /* of all */
    double sum[3], square[3]; /* of where they lie */
} kc_laid;

struct kc_sweep {
    kc_plans plans;
    kc_minima minima;
    double across[KC_KINDS], height[KC_KINDS]; /* shares: two kinds must never keep more than the sum of theirs */
    kc_laid *laid;                             /* (parts,) */
    int64_t parts;
    kc_track *tracks;                          /* by level, then by begin; before they are ordered: by plan, part by part */
    int64_t level_from[KC_LEVELS + 1];
    double longest[KC_LEVELS]; /* of the tracks of each level, s */
    double origin, width[KC_LEVELS];
    int64_t slabs; /* of the finest level */
    kc_axes axes;
};

/* The first track of a level that may be there at t or later. */
int64_t kc_first_track(const kc_sweep *sweep, int level, double t);

/* When a slab of a level begins, s. */
static inline double kc_slab_at(const kc_sweep *sweep, int level, int64_t slab) {
    return sweep->origin + (double)slab * sweep->width[level];
}

#endif
