/* Live positions: what came in, and who is near whom. */
#ifndef KEEPCLEAR_MOVERS_H
#define KEEPCLEAR_MOVERS_H

#include "earth.h"
#include "kernels.h"

enum { KC_HEIGHT_UNKNOWN = 2 }; /* a flag beside KC_HEIGHTS_NOT_COMPARABLE: of what is seen */
enum { KC_ENTERED = 0, KC_LEFT = 1, KC_DWELT = 2, KC_NEAR = 3, KC_APART = 4 };

/* Reports in the order in which they came, each no older than the one of its mover before it. */
typedef struct {
    int64_t count;
    int64_t movers;           /* how many there are: every number is below it */
    const int64_t *mover;     /* (n,) numbers of the movers, from 0 */
    const double *t;          /* (n,) s */
    const double *lat;        /* (n,) degrees */
    const double *lon;        /* (n,) degrees, -180 to 180 */
    const double *place;      /* (n, 3) x, y, z m on the surface */
    const double *alt;        /* (n,) m, NaN if unknown */
    const uint8_t *datum;     /* (n,) of the height */
    const double *before;     /* (n, 5) the report before of that mover: t, x, y, z, alt */
    const uint8_t *joined;    /* (n,) whether it went evenly from there to here */
} kc_reports;

/* One thing seen. `row` is the report that showed it, -1 if time alone did; `other` is a mover or a fence. 80 bytes. */
typedef struct {
    int32_t what, flags;
    int64_t row, mover, other;
    double t, place[3], margin, value;
} kc_seen;

/* A list that grows, read by Python and given back with kc_free(seen.list). */
typedef struct {
    kc_seen *list;
    int64_t count, room;
} kc_sightings;

/* Adds one; false if there is no memory left. */
int kc_add_seen(kc_sightings *sightings, const kc_seen *one);

/* Metres along the ground between two places on the surface; to 1 mm up to 500 km. */
double kc_ground_m(const double p[3], const double q[3]);

#endif
