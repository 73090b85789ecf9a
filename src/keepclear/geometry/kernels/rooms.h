/* What a run of a sweep works in. */
#ifndef KEEPCLEAR_ROOMS_H
#define KEEPCLEAR_ROOMS_H

#include "meetings.h"

/* Whose a stay is, as much of it as is put in order. */
typedef struct {
    int32_t a, b;
} kc_whose;

struct kc_sweep_room {
    kc_pool pool, own; /* of all there is but what is found; as it was when there was nothing but the room */
    kc_meetings meetings;
    kc_whose *whose; /* of the stays found up to the end of the last run */
    int64_t told, whose_room;
    kc_slab level[KC_LEVELS];
    int32_t *near;     /* what touches the ball at hand */
    int64_t near_room;
    double from;                        /* stays that begin before are another run's */
    int64_t reached, next[KC_LEVELS];   /* up to which slab it was run; the next slab of each level */
};

#endif
