/* Movers whose balls touch in a slab: from when to when they are truly too near, as breaches. */
#ifndef KEEPCLEAR_MEETINGS_H
#define KEEPCLEAR_MEETINGS_H

#include "slabs.h"

enum { KC_LEG_PAIRS = 512 };

typedef struct {
    double t0, t1;     /* the slab, or the part of it that matters */
    double from, upto; /* what begins in this time counts */
} kc_span;

/* Which part of a wider slab one of a finer level is, shares of it. */
typedef struct {
    double from, upto;
} kc_part;

/* Two ways on time that may pass within what they must keep, and from when to when. */
typedef struct {
    const kc_mover *a, *b;
    double t0, t1, across, height;
    int32_t flags;
} kc_meeting;

/* A pair of legs, from when to when both are there in that time, and whose they are. */
typedef struct {
    const double *leg, *other;
    double begin, end;
    const kc_meeting *of;
} kc_leg_pair;

/* A pair of legs to be worked out: whose, by which rule, and when a stay must begin to count. */
typedef struct {
    int64_t a, b;
    double across, height, from, upto;
    int32_t flags;
} kc_put_off;

/* What they are worked out in: each step for many at once, as none of them then waits for the answer about another. */
typedef struct {
    const kc_sweep *sweep;
    kc_breaches found;
    kc_sweep_counts counts;
    kc_touch touches[KC_TOUCHES]; /* those asked about */
    kc_meeting meetings[KC_TOUCHES];
    kc_leg_pair legs[KC_LEG_PAIRS];
    int32_t nearer[KC_LEG_PAIRS];
    kc_leg_pairs pairs; /* put off until there are enough of them to be worked out side by side */
    kc_put_off waiting[KC_LANES];
    int32_t waits;
} kc_meetings;

/* The part of a ball that goes through a wider slab. */
static inline kc_ball kc_ball_in(const kc_ball *whole, kc_part of) {
    kc_ball ball = *whole;
    for (int i = 0; i < 3; i++) {
        double step = whole->stop[i] - whole->start[i];
        ball.start[i] = whole->start[i] + of.from * step;
        ball.stop[i] = whole->start[i] + of.upto * step;
    }
    return ball;
}

/* Adds the stays of the first `count` of `touches`, which are pairs of `movers` and `others`; of a wider slab if `of` is
 * given, which says which part of it. Returns false if there is no memory left. */
int kc_touches_meet(kc_meetings *now, const kc_mover *movers, const kc_mover *others, const kc_part *of, int64_t count,
                    kc_span in);

/* Adds what was put off. As above. */
int kc_meetings_end(kc_meetings *now);

#endif
