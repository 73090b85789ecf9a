/* Many balls in space, each with a band of heights and going evenly from one place to another in a time common to all,
 * and which of them touch in it. Rounded outward: none that touch is missed.
 *
 * They are put in order along one direction, in strips across another where there are many; a ball is then held to those
 * that begin along it, one after the other in memory and many at a time.
 */
#ifndef KEEPCLEAR_BALLS_H
#define KEEPCLEAR_BALLS_H

#include "earth.h"
#include "kernels.h"
#include "pool.h"

typedef struct {
    double start[3], stop[3];   /* of its middle, m */
    double radius;              /* m */
    float lower, upper;         /* m; two that only touch do not count */
    int32_t datum;              /* bands of different datums always count as touching */
} kc_ball;

typedef struct {
    double along[3], across[3]; /* unit vectors, square to each other */
} kc_axes;

/* The middle along and across of all that one passes over, and half of how far that reaches, m; and its cells along and
 * its strips, both from first to last.
 */
typedef struct {
    double along, across, long_half, wide_half;
    int32_t cell, last_cell, strip, last_strip;
} kc_extent;

typedef struct {
    const kc_axes *axes;
    kc_extent *extents;         /* of the balls */
    int64_t copies;             /* a ball stands in every strip it lies in */
    int64_t strips, cells;      /* cells in a strip */
    double least, per_cell, across_least, per_strip, longest;
    float *columns;             /* start, step, radius, lower, upper of the copies in order */
    int32_t *datum, *ball;      /* of the copies; which ball */
    int32_t *cell_from;         /* (strips * cells + 1,) */
    int64_t room, cell_room;
} kc_balls;

/* Puts `count` balls, each at the start of a record of `size` bytes, in order; what it needs and has not, it takes from
 * a pool. False if there is no memory left. */
int kc_balls_order(kc_balls *all, kc_pool *pool, const kc_axes *axes, const void *balls, int64_t count, size_t size);

/* Two balls that touch. */
typedef struct {
    int32_t ball, other;
} kc_touch;

enum { KC_TOUCHES = 2048 }; /* of them are told at once, at the most */

/* How far the pairs of balls have been gone through; {0, 1, 0} to begin. */
typedef struct {
    int64_t copy, next, strip;
} kc_touches_at;

/* The next pairs of balls that touch, no more than KC_TOUCHES; none when all were gone through. */
int64_t kc_balls_touches(const kc_balls *all, kc_touches_at *from, kc_touch *found);

/* All balls that touch one that is not among them, in the time common to all. As `found` above. */
int64_t kc_balls_near(const kc_balls *all, const kc_ball *ball, int32_t *found);

/* All balls that touch, at whatever time, what one that is not among them passes over. */
int64_t kc_balls_about(const kc_balls *all, const kc_ball *ball, int32_t *found);

#endif
