/* What a run of a sweep works in. */
#ifndef KEEPCLEAR_ROOMS_H
#define KEEPCLEAR_ROOMS_H

#include "meetings.h"

struct kc_sweep_room {
    kc_pool pool, own; /* of all there is but what is found; as it was when there was nothing but the room */
    kc_meetings meetings;
    kc_slab level[KC_LEVELS];
    int32_t *near;     /* what touches the ball at hand */
    int64_t near_room;
    double from, upto; /* stays that begin in this time are this run's */
};

#endif
