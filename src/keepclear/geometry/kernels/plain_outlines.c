/* Outlines that are surely in order, found quickly, so that only the others have to be looked at closely. */
#include "areas.h"
#include "outlines.h"

enum { FEW = 64 };
#define WIDE_M 400e3    /* from the middle: none of its vertices is then 1,000 km from any other middle */
#define ENOUGH_M2 2.0   /* twice what an outline must enclose */
#define CLEAR_M 1e-6    /* two edges are surely apart if one lies farther than this to one side of the other */

/* On which side of the line from a to b both c and d lie, farther than CLEAR_M: 1 or -1; 0 if not surely the same. */
static inline int side(const double *a, const double *b, const double *c, const double *d) {
    double x = b[0] - a[0], y = b[1] - a[1], margin = CLEAR_M * sqrt(x * x + y * y);
    double one = x * (c[1] - a[1]) - y * (c[0] - a[0]), other = x * (d[1] - a[1]) - y * (d[0] - a[0]);
    return one > margin && other > margin ? 1 : one < -margin && other < -margin ? -1 : 0;
}

static int apart(const double *a, const double *b, const double *c, const double *d) {
    for (int i = 0; i < 2; i++) {
        if (fmin(a[i], b[i]) > fmax(c[i], d[i]) + CLEAR_M || fmin(c[i], d[i]) > fmax(a[i], b[i]) + CLEAR_M) return 1;
    }
    return side(a, b, c, d) || side(c, d, a, b);
}

/* Whether an edge and the one after it turn some corner, and do not lie upon one another. */
static int corner(const double *a, const double *b, const double *c) {
    double x = b[0] - a[0], y = b[1] - a[1], u = c[0] - b[0], v = c[1] - b[1];
    double length2 = x * x + y * y, next2 = u * u + v * v;
    if (!(length2 > CLEAR_M * CLEAR_M && next2 > CLEAR_M * CLEAR_M)) return 0;
    double turn = x * v - y * u, on = x * u + y * v;
    return on > 0.0 || turn * turn > 1e-12 * length2 * next2;
}

static int plain(const double *ring, int count) {
    double low[3] = {INFINITY, INFINITY, INFINITY}, high[3] = {-INFINITY, -INFINITY, -INFINITY}, middle[3];
    for (int k = 0; k < count; k++) {
        for (int i = 0; i < 3; i++) {
            low[i] = fmin(low[i], ring[3 * k + i]);
            high[i] = fmax(high[i], ring[3 * k + i]);
        }
    }
    for (int i = 0; i < 3; i++) {
        if (!(high[i] - low[i] < WIDE_M)) return 0;
        middle[i] = 0.5 * (low[i] + high[i]);
    }
    kc_to_surface(middle);
    kc_plane plane;
    kc_plane_at(middle, &plane);
    double xy[FEW + 2][2], area = 0.0;
    for (int k = 0; k < count; k++) kc_on_plane(&plane, ring + 3 * k, xy[k]);
    for (int k = 0; k < 2; k++) {
        xy[count + k][0] = xy[k][0];
        xy[count + k][1] = xy[k][1];
    }
    for (int k = 0; k < count; k++) {
        if (!corner(xy[k], xy[k + 1], xy[k + 2])) return 0;
        area += xy[k][0] * xy[k + 1][1] - xy[k][1] * xy[k + 1][0];
    }
    if (!(fabs(area) > 2.0 * ENOUGH_M2)) return 0;
    for (int i = 0; i < count; i++)
        for (int j = i + 2; j < count - (i == 0); j++)
            if (!apart(xy[i], xy[i + 1], xy[j], xy[j + 1])) return 0;
    return 1;
}

void kc_plain_outlines(const kc_plans *plans, int64_t volumes, uint8_t *sure) {
    for (int64_t j = 0; j < volumes; j++) {
        int64_t rings = plans->ring_from[j + 1] - plans->ring_from[j], count = 0;
        const double *ring = rings == 1 ? kc_ring(plans, plans->ring_from[j], &count) : NULL;
        sure[j] = rings == 0 || (rings == 1 && count >= 3 && count <= FEW && plain(ring, (int)count));
    }
}
