/* Edges on a plane, in metres, that surely keep apart. What is not sure is looked at again, more closely. */
#ifndef KEEPCLEAR_SEGMENTS_H
#define KEEPCLEAR_SEGMENTS_H

#include <math.h>

#define KC_CLEAR_M 1e-6 /* two edges are surely apart if one lies farther than this to one side of the other */

/* On which side of the line from a to b both c and d lie, farther than KC_CLEAR_M: 1 or -1; 0 if not surely the same. */
static inline int kc_side(const double *a, const double *b, const double *c, const double *d) {
    double x = b[0] - a[0], y = b[1] - a[1], margin = KC_CLEAR_M * sqrt(x * x + y * y);
    double one = x * (c[1] - a[1]) - y * (c[0] - a[0]), other = x * (d[1] - a[1]) - y * (d[0] - a[0]);
    return one > margin && other > margin ? 1 : one < -margin && other < -margin ? -1 : 0;
}

static inline int kc_apart(const double *a, const double *b, const double *c, const double *d) {
    for (int i = 0; i < 2; i++) {
        if (fmin(a[i], b[i]) > fmax(c[i], d[i]) + KC_CLEAR_M || fmin(c[i], d[i]) > fmax(a[i], b[i]) + KC_CLEAR_M)
            return 1;
    }
    return kc_side(a, b, c, d) || kc_side(c, d, a, b);
}

/* Whether an edge and the one after it turn some corner, and do not lie upon one another. */
static inline int kc_corner(const double *a, const double *b, const double *c) {
    double x = b[0] - a[0], y = b[1] - a[1], u = c[0] - b[0], v = c[1] - b[1];
    double length2 = x * x + y * y, next2 = u * u + v * v;
    if (!(length2 > KC_CLEAR_M * KC_CLEAR_M && next2 > KC_CLEAR_M * KC_CLEAR_M)) return 0;
    double turn = x * v - y * u, on = x * u + y * v;
    return on > 0.0 || turn * turn > 1e-12 * length2 * next2;
}

/* The area, m², of a ring on a plane, in which no two edges meet but at the vertex they share; -1 if that is not sure.
 * `xy` has room for the first two of `count` vertices again, and gets them. */
static inline double kc_plain_ring(double (*xy)[2], int count) {
    double area = 0.0;
    for (int k = 0; k < 2; k++) {
        xy[count + k][0] = xy[k][0];
        xy[count + k][1] = xy[k][1];
    }
    for (int k = 0; k < count; k++) {
        if (!kc_corner(xy[k], xy[k + 1], xy[k + 2])) return -1.0;
        area += xy[k][0] * xy[k + 1][1] - xy[k][1] * xy[k + 1][0];
    }
    for (int i = 0; i < count; i++)
        for (int j = i + 2; j < count - (i == 0); j++)
            if (!kc_apart(xy[i], xy[i + 1], xy[j], xy[j + 1])) return -1.0;
    return 0.5 * fabs(area);
}

#endif
