/* The movers of one level that are there in one slab of time, each as a ball that goes evenly through it. */
#ifndef KEEPCLEAR_SLABS_H
#define KEEPCLEAR_SLABS_H

#include "balls.h"
#include "tracks.h"

/* A track that is there now, and where it is in the slab at hand. */
typedef struct {
    kc_ball ball;
    double wobble;              /* of a way: how far off even going */
    double place[5];            /* of a way: where it is at the moment `known`, and its band */
    double known;
    const double *leg;          /* the one on which it is at that moment */
    const double *from, *upto;  /* the legs that touch the slab, up to the node `upto` */
    const double *first, *last; /* its nodes */
    double times[6];            /* of the nodes from `from` on, if no more than 5 legs touch the slab */
    double end, buffer, vertical_buffer, early, late, reach, tall;
    int64_t plan, volume;       /* as of a track */
    int32_t kind;
    int32_t few;                /* how many legs those of `times` are, 0 if there are more */
    int32_t loose;              /* it may be early or late */
} kc_mover;

typedef struct {
    int64_t slab;  /* the one that the balls are of, -1 before the first */
    int64_t track; /* the next to come */
    kc_mover *movers;
    int64_t count, room;
    kc_balls balls;
} kc_slab;

/* Goes on to slab `slab` of a level: takes in the tracks that have come by then, lets go of those that are over, makes
 * and orders the balls, in memory of the pool. Returns false if there is none left. */
int kc_slab_fill(kc_slab *now, kc_pool *pool, const kc_sweep *sweep, int level, int64_t slab);

/* The first leg of some that is not over before t. */
const double *kc_first_leg_of_many(const double *leg, const double *last, double t);

static inline const double *kc_first_leg(const double *leg, const double *last, double t) {
    if (last - leg > 8 * KC_NODE) return kc_first_leg_of_many(leg, last, t);
    /* Mostly one of the first, nobody knows which: these steps are taken, or not, without a branch. */
    for (int step = 0; step < 3; step++) leg += KC_NODE & -(int64_t)((leg + KC_NODE < last) & (leg[KC_NODE] < t));
    while (leg + KC_NODE < last && leg[KC_NODE] < t) leg += KC_NODE;
    return leg;
}

#endif
