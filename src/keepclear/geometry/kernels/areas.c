#include "areas.h"

#include "outlines.h"

/* A stretch of a leg: planned times from the start of the leg, and the same as metres along its frame. */
typedef struct {
    const double *leg;
    double span;       /* s, of the whole leg */
    double begin, end; /* s */
    double start, stop; /* m, along u; the same if the mover stands */
    kc_frame frame;
} stretch;

static inline double planned(const stretch *path, double u) {
    double length = path->stop - path->start;
    return length > 0.0 ? path->begin + (path->end - path->begin) * ((u - path->start) / length) : path->begin;
}

/* Whether the leg is anywhere near the ball that holds the area, straight through the earth. */
static int near_ball(const double *leg, const double *area, double reach) {
    double a = 0.0, b = 0.0, d2 = 0.0;
    for (int i = 0; i < 3; i++) {
        double step = leg[KC_NODE + KC_X + i] - leg[KC_X + i], to = area[i] - leg[KC_X + i];
        a += step * step;
        b += step * to;
    }
    double share = a > 0.0 ? b / a : 0.0;
    share = share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share;
    for (int i = 0; i < 3; i++) {
        double d = leg[KC_X + i] + share * (leg[KC_NODE + KC_X + i] - leg[KC_X + i]) - area[i];
        d2 += d * d;
    }
    double rough = area[3] + (reach > 0.0 ? reach : 0.0) + a / (8.0 * KC_LEAST_RADIUS_M) + 0.01;
    return d2 <= rough * rough;
}

/* ── circles ─────────────────────────────────────────────────────────────────────────────────────────────────────── */

/* Beyond this, what a plane about the leg says of the distance of a middle is put right by the ellipsoid itself. */
#define PLANE_M 20e3

/* By how much the true distance from the middle to where the path is at u exceeds that on the plane. */
static double excess(const stretch *path, const double *area, double u, double on_plane) {
    double p[3];
    kc_leg_at(path->leg, planned(path, u) / path->span, p);
    return kc_distance(area, p) - on_plane;
}

/* Where the path comes within `radius` of the middle (u, v): side -1 where it comes in, 1 where it goes out. */
static double crossing(const stretch *path, const double *area, double u, double v, double radius, double near,
                       int side) {
    double at = near, more = 0.0;
    for (int round = 0; round < (radius > PLANE_M ? 4 : 1); round++) {
        if (radius > PLANE_M) more = excess(path, area, at, sqrt((at - u) * (at - u) + v * v));
        double half2 = (radius - more) * (radius - more) - v * v;
        at = half2 > 0.0 ? u + side * sqrt(half2) : near;
        at = at < path->start ? path->start : at > path->stop ? path->stop : at;
    }
    return at;
}

static int stays_in_circle(const stretch *path, const double *area, double reach, kc_spans *stays) {
    double u, v, radius = area[4] + reach;
    if (radius <= 0.0) return 1;
    kc_in_frame(&path->frame, area, &u, &v);
    double near = u < path->start ? path->start : u > path->stop ? path->stop : u;
    double away = sqrt((near - u) * (near - u) + v * v);
    if (radius > PLANE_M) away += excess(path, area, near, away);
    if (!(away < radius)) return 1;
    double lo = crossing(path, area, u, v, radius, near, -1), hi = crossing(path, area, u, v, radius, near, 1);
    double least = away - area[4], at = near;
    if (least <= 0.0) {
        least = 0.0;
        at = reach > 0.0 ? crossing(path, area, u, v, area[4], near, -1) : lo;
    }
    return kc_spans_add(stays, lo, hi, least, at);
}

/* ── polygons ────────────────────────────────────────────────────────────────────────────────────────────────────── */

/* Where the path meets the rings is written to `crossings`, where it is within `reach` of an edge to `rim`; `inside`
 * says whether its end lies within. False if there is no memory. */
static int by_edges(const stretch *path, const kc_plans *plans, int64_t volume, double reach, kc_spans *crossings,
                    kc_spans *rim, int *inside) {
    enum { AT_ONCE = 64 };
    double u[AT_ONCE + 1], v[AT_ONCE + 1];
    double start = path->start, stop = path->stop;
    *inside = 0;
    for (int64_t r = plans->ring_from[volume]; r < plans->ring_from[volume + 1]; r++) {
        int64_t count;
        const double *ring = kc_ring(plans, r, &count);
        kc_in_frame(&path->frame, ring + 3 * (count - 1), &u[0], &v[0]);
        for (int64_t done = 0; done < count;) {
            int some = (int)(count - done < AT_ONCE ? count - done : AT_ONCE);
            for (int k = 0; k < some; k++) kc_in_frame(&path->frame, ring + 3 * (done + k), &u[k + 1], &v[k + 1]);
            for (int k = 0; k < some; k++) {
                double u0 = u[k], v0 = v[k], u1 = u[k + 1], v1 = v[k + 1];
                if ((v0 > 0.0) != (v1 > 0.0)) {
                    double at = u0 + (u1 - u0) * (v0 / (v0 - v1));
                    if (at > stop) *inside ^= 1;
                    else if (at >= start && !kc_spans_add(crossings, at, at, 0.0, at)) return 0;
                }
                if ((v0 > reach && v1 > reach) || (v0 < -reach && v1 < -reach) ||
                    (u0 > stop + reach && u1 > stop + reach) || (u0 < start - reach && u1 < start - reach))
                    continue;
                kc_span one;
                if (kc_span_near(u0, v0, u1, v1, reach, start, stop, &one) &&
                    !kc_spans_add(rim, one.lo, one.hi, one.least, one.at))
                    return 0;
            }
            u[0] = u[some];
            v[0] = v[some];
            done += some;
        }
    }
    return 1;
}

/* What of the path is inside, given where it meets the rings (any order) and whether its end is. */
static int spans_inside(const stretch *path, kc_spans *crossings, int inside, kc_spans *spans) {
    kc_spans_sort(crossings);
    double hi = path->stop;
    for (int64_t k = crossings->count - 1; k >= 0; k--) {
        double at = crossings->list[k].lo;
        if (inside && !kc_spans_add(spans, at, hi, 0.0, at)) return 0;
        inside ^= 1;
        hi = at;
    }
    return !inside || kc_spans_add(spans, path->start, hi, 0.0, path->start);
}

/* What of `spans` no span of `without` holds; both are joined first. */
static int left_over(kc_spans *spans, kc_spans *without, kc_spans *left) {
    kc_spans_join(spans);
    kc_spans_join(without);
    int64_t j = 0;
    for (int64_t i = 0; i < spans->count; i++) {
        double lo = spans->list[i].lo, hi = spans->list[i].hi;
        while (j < without->count && without->list[j].hi < lo) j++;
        for (int64_t k = j; k < without->count && without->list[k].lo <= hi; k++) {
            double until = without->list[k].lo;
            if (until > lo && !kc_spans_add(left, lo, until, 0.0, lo)) return 0;
            lo = without->list[k].hi;
        }
        if ((lo < hi || (lo == hi && lo == spans->list[i].lo)) && !kc_spans_add(left, lo, hi, 0.0, lo)) return 0;
    }
    return 1;
}

static int stays_in_polygon(const stretch *path, const kc_plans *plans, int64_t volume, double reach,
                            kc_spans *stays) {
    kc_spans crossings, rim, within;
    int inside, done;
    kc_spans_begin(&crossings);
    kc_spans_begin(&rim);
    kc_spans_begin(&within);
    done = by_edges(path, plans, volume, fabs(reach), &crossings, reach < 0.0 ? &rim : stays, &inside);
    if (done && reach >= 0.0) {
        done = spans_inside(path, &crossings, inside, stays);
        kc_spans_join(stays);
    } else if (done) {
        done = spans_inside(path, &crossings, inside, &within) && left_over(&within, &rim, stays);
    }
    kc_spans_end(&crossings);
    kc_spans_end(&rim);
    kc_spans_end(&within);
    return done;
}

/* ── a leg and a volume ──────────────────────────────────────────────────────────────────────────────────────────── */

int kc_leg_meets_volume(const double *leg, double early, double late, const kc_plans *plans, int64_t volume,
                        double across, double height, kc_met *stays, int room) {
    const double *limits = plans->volumes + 4 * volume, *area = plans->areas + 8 * volume;
    double zero = leg[KC_T], span = leg[KC_NODE] - zero; /* times are counted from the start of the leg */
    double opens = limits[0] - zero, closes = limits[1] - zero, lower = limits[2], upper = limits[3];
    double begin = fmax(0.0, opens - late), end = fmin(span, closes + early), reach = across - KC_DEPTH_M;
    if (!(begin < end) || !near_ball(leg, area, reach)) return 0;
    if (height < INFINITY) {
        double enough = height - KC_DEPTH_M;
        if (!kc_clip_below(0.0, span, leg[KC_LOWER] - upper - enough, leg[KC_NODE + KC_LOWER] - upper - enough, &begin,
                           &end) ||
            !kc_clip_below(0.0, span, lower - leg[KC_UPPER] - enough, lower - leg[KC_NODE + KC_UPPER] - enough, &begin,
                           &end) ||
            !(begin < end))
            return 0;
    }

    stretch path = {.leg = leg, .span = span, .begin = begin, .end = end};
    double from[3], middle[3], to[3];
    kc_leg_at(leg, begin / span, from);
    kc_leg_at(leg, 0.5 * (begin + end) / span, middle);
    kc_leg_at(leg, end / span, to);
    kc_frame_of(middle, from, to, &path.frame, &path.start, &path.stop);
    int stands = path.start == path.stop, count = 0;
    kc_spans spans;
    kc_spans_begin(&spans);
    int done = kc_is_circle(plans, volume) ? stays_in_circle(&path, area, reach, &spans)
                                           : stays_in_polygon(&path, plans, volume, reach, &spans);
    for (int64_t k = 0; done && k < spans.count; k++) {
        const kc_span *one = &spans.list[k];
        if (!stands && !(one->lo < one->hi)) continue;
        double first = stands ? begin : planned(&path, one->lo), last = stands ? end : planned(&path, one->hi);
        if (count++ >= room) continue;
        kc_met *stay = &stays[count - 1];
        double at = planned(&path, one->at), low, high;
        stay->t0 = zero + fmax(first - early, opens);
        stay->t1 = zero + fmin(last + late, closes);
        stay->nearest_t = fmin(fmax(zero + at, stay->t0), stay->t1);
        stay->horizontal = one->least;
        kc_band_at(leg, at / span, &low, &high);
        stay->vertical = fmax(0.0, fmax(low - upper, lower - high));
        kc_leg_at(leg, at / span, stay->place);
    }
    kc_spans_end(&spans);
    return done ? count : -1;
}

void kc_points_in_area(const kc_plans *plans, int64_t volume, const double *points, int64_t n, double *depth) {
    for (int64_t k = 0; k < n; k++) depth[k] = kc_depth(plans, volume, points + 3 * k, NULL);
}
