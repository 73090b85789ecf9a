#include "outlines.h"

#include <stdlib.h>
#include <string.h>

/* Farther than this from all of an area, only a bound of the distance is given. */
#define FAR_M 1e6

/* ── distances ───────────────────────────────────────────────────────────────────────────────────────────────────── */

/* Vincenty's inverse on the unit sphere of reduced latitudes, where a place is (x / a, y / a, z / b). */
static double far_distance(const double p[3], const double q[3]) {
    const double flattening = 1.0 - sqrt(1.0 - KC_ECCENTRICITY2), minor = KC_MAJOR_M * (1.0 - flattening);
    double sin1 = p[2] / minor, sin2 = q[2] / minor;
    double cos1 = hypot(p[0], p[1]) / KC_MAJOR_M, cos2 = hypot(q[0], q[1]) / KC_MAJOR_M;
    double turn = atan2(p[0] * q[1] - p[1] * q[0], p[0] * q[0] + p[1] * q[1]), lambda = turn;
    double sigma = 0.0, sin_sigma = 0.0, cos_sigma = 1.0, cos2_alpha = 1.0, cos_2m = 0.0;
    for (int round = 0; round < 50; round++) {
        double sin_l = sin(lambda), cos_l = cos(lambda);
        double across = cos2 * sin_l, up = cos1 * sin2 - sin1 * cos2 * cos_l;
        sin_sigma = sqrt(across * across + up * up);
        cos_sigma = sin1 * sin2 + cos1 * cos2 * cos_l;
        if (sin_sigma == 0.0) return 0.0;
        sigma = atan2(sin_sigma, cos_sigma);
        double sin_alpha = cos1 * cos2 * sin_l / sin_sigma;
        cos2_alpha = 1.0 - sin_alpha * sin_alpha;
        cos_2m = cos2_alpha > 1e-15 ? cos_sigma - 2.0 * sin1 * sin2 / cos2_alpha : 0.0;
        double c = flattening / 16.0 * cos2_alpha * (4.0 + flattening * (4.0 - 3.0 * cos2_alpha)), last = lambda;
        lambda = turn + (1.0 - c) * flattening * sin_alpha *
                            (sigma + c * sin_sigma * (cos_2m + c * cos_sigma * (2.0 * cos_2m * cos_2m - 1.0)));
        if (fabs(lambda - last) < 1e-13) break;
    }
    double k = cos2_alpha * KC_ECCENTRICITY2 / (1.0 - KC_ECCENTRICITY2);
    double a = 1.0 + k / 16384.0 * (4096.0 + k * (-768.0 + k * (320.0 - 175.0 * k)));
    double b = k / 1024.0 * (256.0 + k * (-128.0 + k * (74.0 - 47.0 * k)));
    double m2 = 2.0 * cos_2m * cos_2m - 1.0;
    double bow = b * sin_sigma *
                 (cos_2m + b / 4.0 * (cos_sigma * m2 - b / 6.0 * cos_2m * (4.0 * sin_sigma * sin_sigma - 3.0) *
                                                           (4.0 * cos_2m * cos_2m - 3.0)));
    return minor * a * (sigma - bow);
}

double kc_distance(const double p[3], const double q[3]) {
    double d2 = 0.0;
    for (int i = 0; i < 3; i++) d2 += (q[i] - p[i]) * (q[i] - p[i]);
    if (d2 > 1e10) return far_distance(p, q);
    kc_plane plane;
    double xy[2];
    kc_plane_at(p, &plane);
    kc_on_plane(&plane, q, xy);
    return sqrt(xy[0] * xy[0] + xy[1] * xy[1]);
}

/* ── frames ──────────────────────────────────────────────────────────────────────────────────────────────────────── */

static void turned(const kc_plane *plane, double cosine, double sine, kc_frame *frame) {
    for (int i = 0; i < 3; i++) {
        frame->origin[i] = plane->origin[i];
        frame->along[i] = cosine * plane->east[i] + sine * plane->north[i];
        frame->aside[i] = cosine * plane->north[i] - sine * plane->east[i];
    }
    frame->bend_u = cosine * cosine * plane->east_bend + sine * sine * plane->north_bend;
    frame->bend_v = sine * sine * plane->east_bend + cosine * cosine * plane->north_bend;
    frame->bend_uv = 2.0 * cosine * sine * (plane->north_bend - plane->east_bend);
    frame->off = 0.0;
}

void kc_frame_of(const double about[3], const double from[3], const double to[3], kc_frame *frame, double *start,
                 double *end) {
    kc_plane plane;
    double a[2], b[2];
    kc_plane_at(about, &plane);
    kc_on_plane(&plane, from, a);
    kc_on_plane(&plane, to, b);
    double x = b[0] - a[0], y = b[1] - a[1], length = sqrt(x * x + y * y);
    int stands = length < 1e-6;
    double cosine = stands ? 1.0 : x / length, sine = stands ? 0.0 : y / length;
    turned(&plane, cosine, sine, frame);
    *start = cosine * a[0] + sine * a[1];
    *end = stands ? *start : *start + length;
    frame->off = cosine * a[1] - sine * a[0];
}

/* ── spans ───────────────────────────────────────────────────────────────────────────────────────────────────────── */

void kc_spans_begin(kc_spans *spans) {
    spans->list = spans->few;
    spans->count = 0;
    spans->room = (int64_t)(sizeof spans->few / sizeof *spans->few);
}

void kc_spans_end(kc_spans *spans) {
    if (spans->list != spans->few) free(spans->list);
}

int kc_spans_add(kc_spans *spans, double lo, double hi, double least, double at) {
    if (spans->count == spans->room) {
        kc_span *list = malloc(2 * (size_t)spans->room * sizeof *list);
        if (!list) return 0;
        memcpy(list, spans->list, (size_t)spans->count * sizeof *list);
        kc_spans_end(spans);
        spans->list = list;
        spans->room *= 2;
    }
    spans->list[spans->count++] = (kc_span){lo, hi, least, at};
    return 1;
}

static int by_lo(const void *one, const void *other) {
    const kc_span *a = one, *b = other;
    return (a->lo > b->lo) - (a->lo < b->lo);
}

void kc_spans_sort(kc_spans *spans) {
    if (spans->count > 32) {
        qsort(spans->list, (size_t)spans->count, sizeof *spans->list, by_lo);
        return;
    }
    for (int64_t i = 1; i < spans->count; i++) {
        kc_span one = spans->list[i];
        int64_t j = i;
        for (; j > 0 && spans->list[j - 1].lo > one.lo; j--) spans->list[j] = spans->list[j - 1];
        spans->list[j] = one;
    }
}

void kc_spans_join(kc_spans *spans) {
    kc_spans_sort(spans);
    int64_t last = 0;
    for (int64_t i = 1; i < spans->count; i++) {
        kc_span *whole = &spans->list[last], *next = &spans->list[i];
        if (next->lo > whole->hi) {
            spans->list[++last] = *next;
            continue;
        }
        if (next->hi > whole->hi) whole->hi = next->hi;
        if (next->least < whole->least || (next->least == whole->least && next->at < whole->at)) {
            whole->least = next->least;
            whole->at = next->at;
        }
    }
    if (spans->count) spans->count = last + 1;
}

/* ── a path by an edge ───────────────────────────────────────────────────────────────────────────────────────────── */

/* Keeps of [*a, *b] where low <= slope * w + at <= high. */
static inline void keep_between(double slope, double at, double low, double high, double *a, double *b) {
    if (slope == 0.0) {
        if (at < low || at > high) *a = INFINITY;
        return;
    }
    double first = (low - at) / slope, last = (high - at) / slope;
    if (slope < 0.0) {
        double swap = first;
        first = last;
        last = swap;
    }
    if (first > *a) *a = first;
    if (last < *b) *b = last;
}

int kc_span_near(double u0, double v0, double u1, double v1, double reach, double start, double end, kc_span *span) {
    double reach2 = reach * reach, lo = INFINITY, hi = -INFINITY;
    double du = u1 - u0, dv = v1 - v0, length2 = du * du + dv * dv;
    if (v0 * v0 <= reach2) { /* the disc about one end */
        double half = sqrt(reach2 - v0 * v0);
        lo = u0 - half;
        hi = u0 + half;
    }
    if (v1 * v1 <= reach2) { /* about the other */
        double half = sqrt(reach2 - v1 * v1);
        if (u1 - half < lo) lo = u1 - half;
        if (u1 + half > hi) hi = u1 + half;
    }
    if (length2 > 0.0) { /* the strip on both sides */
        double a = -INFINITY, b = INFINITY, wide = reach * sqrt(length2);
        keep_between(du, -v0 * dv, 0.0, length2, &a, &b);
        keep_between(dv, v0 * du, -wide, wide, &a, &b);
        if (a <= b) {
            if (u0 + a < lo) lo = u0 + a;
            if (u0 + b > hi) hi = u0 + b;
        }
    }
    span->lo = lo > start ? lo : start;
    span->hi = hi < end ? hi : end;
    if (!(span->lo <= span->hi)) return 0;
    double low = u0 < u1 ? u0 : u1, high = u0 < u1 ? u1 : u0, at;
    int crosses = (v0 > 0.0) != (v1 > 0.0);
    if (crosses) at = u0 + du * (v0 / (v0 - v1));
    else if (fabs(v0) != fabs(v1)) at = fabs(v0) < fabs(v1) ? u0 : u1;
    else at = start < low ? low : start > high ? high : start;
    double clamped = at < start ? start : at > end ? end : at, share;
    span->at = clamped;
    span->least = crosses && clamped == at ? 0.0 : sqrt(kc_to_segment(clamped, 0.0, u0, v0, u1, v1, &share));
    return 1;
}

/* ── a place in or by an area ────────────────────────────────────────────────────────────────────────────────────── */

/* Metres, straight through the earth, from a place to the ball about an area; negative within the ball. */
static double from_ball(const double *area, const double p[3]) {
    double d2 = 0.0;
    for (int i = 0; i < 3; i++) d2 += (p[i] - area[i]) * (p[i] - area[i]);
    return sqrt(d2) - area[3];
}

int kc_in_outline(const kc_plans *plans, int64_t volume, const double p[3]) {
    if (from_ball(plans->areas + 8 * volume, p) > 0.0) return 0;
    /* How often a ray to the east meets the rings, seen from straight above; an edge owns its southern end only. */
    kc_plane plane;
    kc_plane_at(p, &plane);
    int inside = 0;
    for (int64_t r = plans->ring_from[volume]; r < plans->ring_from[volume + 1]; r++) {
        int64_t count;
        const double *ring = kc_ring(plans, r, &count), *last = ring + 3 * (count - 1);
        double d[3] = {last[0] - p[0], last[1] - p[1], last[2] - p[2]};
        double u0 = kc_dot(d, plane.east), v0 = kc_dot(d, plane.north);
        for (int64_t k = 0; k < count; k++) {
            double e[3] = {ring[3 * k] - p[0], ring[3 * k + 1] - p[1], ring[3 * k + 2] - p[2]};
            double u1 = kc_dot(e, plane.east), v1 = kc_dot(e, plane.north);
            if ((v0 > 0.0) != (v1 > 0.0)) inside ^= u0 + (u1 - u0) * (v0 / (v0 - v1)) > 0.0;
            u0 = u1;
            v0 = v1;
        }
    }
    return inside;
}

static double depth_in_circle(const double *area, const double p[3], double *foot) {
    double away = kc_distance(area, p);
    if (foot) {
        kc_plane plane;
        double xy[2], length;
        kc_plane_at(area, &plane);
        kc_on_plane(&plane, p, xy);
        length = sqrt(xy[0] * xy[0] + xy[1] * xy[1]);
        double x = length > 0.0 ? xy[0] / length : 1.0, y = length > 0.0 ? xy[1] / length : 0.0;
        double turn = area[4] / KC_MEAN_RADIUS_M, out = sin(turn) * KC_MEAN_RADIUS_M;
        double down = (1.0 - cos(turn)) * KC_MEAN_RADIUS_M;
        for (int i = 0; i < 3; i++)
            foot[i] = area[i] + out * (x * plane.east[i] + y * plane.north[i]) - down * plane.up[i];
        kc_to_surface(foot);
    }
    return away - area[4];
}

double kc_depth(const kc_plans *plans, int64_t volume, const double p[3], double *foot) {
    const double *area = plans->areas + 8 * volume;
    if (kc_is_circle(plans, volume)) return depth_in_circle(area, p, foot);
    double away = from_ball(area, p);
    if (away > FAR_M) {
        if (foot) memcpy(foot, area, 3 * sizeof *foot);
        return away;
    }
    kc_plane plane;
    kc_plane_at(p, &plane);
    enum { AT_ONCE = 64 };
    double xs[AT_ONCE + 1], ys[AT_ONCE + 1], nearest2 = INFINITY, about = INFINITY, share = 0.0;
    const double *from = area, *to = area;
    int inside = 0;
    for (int64_t r = plans->ring_from[volume]; r < plans->ring_from[volume + 1]; r++) {
        int64_t count;
        const double *ring = kc_ring(plans, r, &count);
        double a[2];
        kc_on_plane(&plane, ring + 3 * (count - 1), a);
        xs[0] = a[0];
        ys[0] = a[1];
        for (int64_t done = 0; done < count;) {
            int some = (int)(count - done < AT_ONCE ? count - done : AT_ONCE);
            for (int k = 0; k < some; k++) {
                double b[2];
                kc_on_plane(&plane, ring + 3 * (done + k), b);
                xs[k + 1] = b[0];
                ys[k + 1] = b[1];
            }
            for (int k = 0; k < some; k++) {
                double x0 = xs[k], y0 = ys[k], x1 = xs[k + 1], y1 = ys[k + 1], s;
                if ((y0 > 0.0) != (y1 > 0.0)) inside ^= x0 + (x1 - x0) * (y0 / (y0 - y1)) > 0.0;
                if ((x0 > about && x1 > about) || (x0 < -about && x1 < -about) || (y0 > about && y1 > about) ||
                    (y0 < -about && y1 < -about))
                    continue;
                double d2 = kc_to_segment(0.0, 0.0, x0, y0, x1, y1, &s);
                if (d2 < nearest2) {
                    nearest2 = d2;
                    about = sqrt(d2);
                    share = s;
                    from = ring + 3 * (done + k ? done + k - 1 : count - 1);
                    to = ring + 3 * (done + k);
                }
            }
            xs[0] = xs[some];
            ys[0] = ys[some];
            done += some;
        }
    }
    double at[3];
    kc_edge_at(from, to, share, at);
    /* The edge itself bows towards the place from the straight line between its ends on the plane. */
    double nearest = nearest2 < 1e8 ? sqrt(nearest2) : kc_distance(p, at);
    if (foot) memcpy(foot, at, sizeof at);
    return inside && away <= 0.0 ? -nearest : nearest;
}

int kc_deep_within(const kc_plans *plans, int64_t volume, const double p[3]) {
    return from_ball(plans->areas + 8 * volume, p) <= 0.0 && kc_depth(plans, volume, p, NULL) < -KC_DEPTH_M;
}
