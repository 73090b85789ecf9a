/* Outlines: where a place lies to one, and which part of a straight path is near an edge.
 *
 * An area is a circle, or the inside of its rings by the odd-even rule, edges along the geodesic. Both are asked on a
 * plane about the place or path itself, so nothing depends on how large the area is.
 */
#ifndef KEEPCLEAR_OUTLINES_H
#define KEEPCLEAR_OUTLINES_H

#include "earth.h"
#include "kernels.h"

/* Metres along the ellipsoid between two places on it: to 1 mm within 2,000 km, to a centimetre short of the antipode. */
double kc_distance(const double p[3], const double q[3]);

/* A plane about a place, turned: u along a path, v to its left, both metres. Its path runs where v is 0. */
typedef struct {
    double origin[3], along[3], aside[3];
    double bend_u, bend_uv, bend_v; /* as the bends of kc_plane, for the turned axes */
    double off;                     /* taken off v */
} kc_frame;

/* The frame of a path from one place to another about a third between them; *start and *end are where it runs, along u.
 *
 * A path of less than a micrometre has no direction: u is then east. */
void kc_frame_of(const double about[3], const double from[3], const double to[3], kc_frame *frame, double *start,
                 double *end);

static inline void kc_in_frame(const kc_frame *frame, const double p[3], double *u, double *v) {
    double d[3] = {p[0] - frame->origin[0], p[1] - frame->origin[1], p[2] - frame->origin[2]};
    double x = kc_dot(d, frame->along), y = kc_dot(d, frame->aside);
    double bend = x * x * frame->bend_u + x * y * frame->bend_uv + y * y * frame->bend_v;
    double longer = 1.0 + bend * (1.0 + 2.7 * bend);
    *u = x * longer;
    *v = y * longer - frame->off;
}

/* The place a share (0 to 1) of the way along an edge: on its chord, lifted to the surface. */
static inline void kc_edge_at(const double from[3], const double to[3], double share, double p[3]) {
    double chord[3], middle[3], up[3], chord2 = 0.0;
    for (int i = 0; i < 3; i++) {
        chord[i] = to[i] - from[i];
        middle[i] = from[i] + 0.5 * chord[i];
        chord2 += chord[i] * chord[i];
    }
    kc_up(middle, up);
    double lift = share * (1.0 - share) * chord2 / (2.0 * KC_MEAN_RADIUS_M);
    for (int i = 0; i < 3; i++) p[i] = from[i] + share * chord[i] + lift * up[i];
}

/* The place on the ellipsoid in the direction of a point from the centre of the earth. */
static inline void kc_to_surface(double p[3]) {
    double scale = KC_MAJOR_M / sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2] / (1.0 - KC_ECCENTRICITY2));
    for (int i = 0; i < 3; i++) p[i] *= scale;
}

/* How far a point on a plane is from the segment between two others: the square, and the share where it is nearest. */
static inline double kc_to_segment(double u, double v, double u0, double v0, double u1, double v1, double *share) {
    double du = u1 - u0, dv = v1 - v0, length2 = du * du + dv * dv;
    double s = length2 > 0.0 ? ((u - u0) * du + (v - v0) * dv) / length2 : 0.0;
    s = s < 0.0 ? 0.0 : s > 1.0 ? 1.0 : s;
    double x = u0 + s * du - u, y = v0 + s * dv - v;
    *share = s;
    return x * x + y * y;
}

/* Makes a box in space hold one more place. */
static inline void kc_hold(double low[3], double high[3], const double p[3]) {
    for (int i = 0; i < 3; i++) {
        if (p[i] < low[i]) low[i] = p[i];
        if (p[i] > high[i]) high[i] = p[i];
    }
}

/* A part of a path, from lo to hi, metres along it; the least distance of it from what is asked about, and where. */
typedef struct {
    double lo, hi, least, at;
} kc_span;

/* The part of the path from (start, 0) to (end, 0) within `reach` of an edge: there is at most one. False if none. */
int kc_span_near(double u0, double v0, double u1, double v1, double reach, double start, double end, kc_span *span);

/* A list of spans. Begin with kc_spans_begin; it takes memory only where there are many. Give back with kc_spans_end. */
typedef struct {
    kc_span *list;
    int64_t count, room;
    kc_span few[16];
} kc_spans;

void kc_spans_begin(kc_spans *spans);
void kc_spans_end(kc_spans *spans);
int kc_spans_add(kc_spans *spans, double lo, double hi, double least, double at); /* false if there is no memory */
void kc_spans_sort(kc_spans *spans);                                             /* by lo */
void kc_spans_join(kc_spans *spans); /* sorts; those that touch become one, nearest where the nearer of them is */

/* Whether a place is in an area of polygon shape. A rim belongs to one side or the other, never to both. */
int kc_in_outline(const kc_plans *plans, int64_t volume, const double p[3]);

/* Metres from a place to the rim of an area, negative within it; `foot` (which may be null) is the nearest place of it.
 *
 * A circle's is right to a centimetre. A polygon's is, up to 100 km, and to a millionth up to 500 km; more than 1,000 km
 * away from a ball about it all it is a bound from below, and `foot` the middle of the area. */
double kc_depth(const kc_plans *plans, int64_t volume, const double p[3], double *foot);

/* Whether a place is in an area of polygon shape, more than KC_DEPTH_M from its rim. */
int kc_deep_within(const kc_plans *plans, int64_t volume, const double p[3]);

/* The vertices of ring r, and how many. */
static inline const double *kc_ring(const kc_plans *plans, int64_t r, int64_t *count) {
    *count = plans->vertex_from[r + 1] - plans->vertex_from[r];
    return plans->vertices + 3 * plans->vertex_from[r];
}

static inline int kc_is_circle(const kc_plans *plans, int64_t volume) {
    return plans->ring_from[volume] == plans->ring_from[volume + 1];
}

#endif
