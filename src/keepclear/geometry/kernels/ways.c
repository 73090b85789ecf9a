#include "ways.h"

static inline double chord2(const double *leg) {
    double sum = 0.0;
    for (int i = 0; i < 3; i++) {
        double d = leg[KC_NODE + KC_X + i] - leg[KC_X + i];
        sum += d * d;
    }
    return sum;
}

/* Where the length of a vector that goes evenly from d0 to d1 is least: the share, and its square there. */
static inline double least(const double *d0, const double *d1, int size, double *square) {
    double a = 0.0, b = 0.0, c = 0.0;
    for (int i = 0; i < size; i++) {
        double step = d1[i] - d0[i];
        a += step * step;
        b += d0[i] * step;
        c += d0[i] * d0[i];
    }
    double share = a > 0.0 ? -b / a : 0.0;
    share = share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share;
    double at = 0.0;
    for (int i = 0; i < size; i++) {
        double d = d0[i] + share * (d1[i] - d0[i]);
        at += d * d;
    }
    *square = at;
    return share;
}

/* The part of [0, 1] in which that length is at most `reach`, given where it is least (and there it is). */
static inline void shares_within(const double *d0, const double *d1, int size, double reach, double at, double square,
                                 double *begin, double *end) {
    double a = 0.0, ends[2] = {0.0, 0.0};
    for (int i = 0; i < size; i++) {
        double step = d1[i] - d0[i];
        a += step * step;
        ends[0] += d0[i] * d0[i];
        ends[1] += d1[i] * d1[i];
    }
    double reach2 = reach * reach;
    /* From the least, in or at the rim of [0, 1]. If it is at the rim the slope there counts too; solved from the foot
     * of the perpendicular, which may lie outside. */
    double b = 0.0;
    for (int i = 0; i < size; i++) b += d0[i] * (d1[i] - d0[i]);
    double foot = a > 0.0 ? -b / a : at;
    double miss = square;
    if (foot < 0.0 || foot > 1.0) {
        miss = 0.0;
        for (int i = 0; i < size; i++) {
            double d = d0[i] + foot * (d1[i] - d0[i]);
            miss += d * d;
        }
    }
    double half = a > 0.0 && reach2 > miss ? sqrt((reach2 - miss) / a) : 0.0;
    *begin = ends[0] <= reach2 ? 0.0 : fmax(0.0, foot - half);
    *end = ends[1] <= reach2 ? 1.0 : fmin(1.0, foot + half);
}

/* A leg made ready to be asked for many places: `kc_leg_at`, its square root taken once. */
typedef struct {
    const double *start;
    double chord[3], lift[3], chord2;
} arc;

static inline void arc_of(const double *leg, arc *of) {
    double middle[3];
    of->start = leg + KC_X;
    of->chord2 = 0.0;
    for (int i = 0; i < 3; i++) {
        of->chord[i] = leg[KC_NODE + KC_X + i] - leg[KC_X + i];
        middle[i] = leg[KC_X + i] + 0.5 * of->chord[i];
        of->chord2 += of->chord[i] * of->chord[i];
    }
    kc_up(middle, of->lift);
    for (int i = 0; i < 3; i++) of->lift[i] *= of->chord2 / (2.0 * KC_MEAN_RADIUS_M);
}

static inline void arc_at(const arc *of, double share, double p[3]) {
    double bowed = share * (1.0 - share);
    for (int i = 0; i < 3; i++) p[i] = of->start[i] + share * of->chord[i] + bowed * of->lift[i];
}

int kc_legs_meet(const double *leg, const double *other, double across, double height, kc_met *met) {
    double zero = leg[KC_T]; /* times from here on are counted from the start of the first leg, to keep them small */
    double t0 = 0.0, t1 = leg[KC_NODE] - zero, s0 = other[KC_T] - zero, s1 = other[KC_NODE] - zero;
    double begin = t0 > s0 ? t0 : s0, end = t1 < s1 ? t1 : s1;
    double reach = across - KC_DEPTH_M;
    if (!(begin < end) || reach <= 0.0) return 0;
    double rate = 1.0 / (t1 - t0), other_rate = 1.0 / (s1 - s0);

    if (height < INFINITY) {
        double lower[2], upper[2], other_lower[2], other_upper[2], at[2] = {begin, end};
        for (int k = 0; k < 2; k++) {
            kc_band_at(leg, (at[k] - t0) * rate, &lower[k], &upper[k]);
            kc_band_at(other, (at[k] - s0) * other_rate, &other_lower[k], &other_upper[k]);
        }
        double enough = height - KC_DEPTH_M, from = begin, upto = end;
        if (!kc_clip_below(from, upto, lower[0] - other_upper[0] - enough, lower[1] - other_upper[1] - enough, &begin,
                           &end))
            return 0;
        if (!kc_clip_below(from, upto, other_lower[0] - upper[0] - enough, other_lower[1] - upper[1] - enough, &begin,
                           &end))
            return 0;
    }

    /* Roughly, straight through the earth, and with room for how far either way may bow out of its chord. */
    arc one, two;
    arc_of(leg, &one);
    arc_of(other, &two);
    double p[2][3], q[2][3], d[2][3], at[2] = {begin, end}, square;
    for (int k = 0; k < 2; k++) {
        arc_at(&one, (at[k] - t0) * rate, p[k]);
        arc_at(&two, (at[k] - s0) * other_rate, q[k]);
        for (int i = 0; i < 3; i++) d[k][i] = p[k][i] - q[k][i];
    }
    double part = (end - begin) * rate, other_part = (end - begin) * other_rate;
    double bow = (one.chord2 * part * part + two.chord2 * other_part * other_part) / (8.0 * KC_LEAST_RADIUS_M);
    double share = least(d[0], d[1], 3, &square);
    double rough = reach + bow + 0.01;
    if (square > rough * rough) return 0;
    double from, upto;
    shares_within(d[0], d[1], 3, rough, share, square, &from, &upto);
    double near = begin + share * (end - begin), rough_begin = begin + from * (end - begin);
    double rough_end = begin + upto * (end - begin);

    /* Then truly: on a plane between the two where they are nearest. */
    double here[3], there[3], middle[3];
    arc_at(&one, (near - t0) * rate, here);
    arc_at(&two, (near - s0) * other_rate, there);
    for (int i = 0; i < 3; i++) middle[i] = 0.5 * (here[i] + there[i]);
    kc_plane plane;
    kc_plane_at(middle, &plane);
    double flat[2][2], times[2] = {rough_begin, rough_end};
    for (int k = 0; k < 2; k++) {
        double on[2], other_on[2];
        arc_at(&one, (times[k] - t0) * rate, here);
        arc_at(&two, (times[k] - s0) * other_rate, there);
        kc_on_plane(&plane, here, on);
        kc_on_plane(&plane, there, other_on);
        flat[k][0] = on[0] - other_on[0];
        flat[k][1] = on[1] - other_on[1];
    }
    share = least(flat[0], flat[1], 2, &square);
    if (!(square < reach * reach)) return 0;
    shares_within(flat[0], flat[1], 2, reach, share, square, &from, &upto);
    double length = rough_end - rough_begin;
    near = rough_begin + share * length;
    double lower, upper, other_lower, other_upper;
    kc_band_at(leg, (near - t0) * rate, &lower, &upper);
    kc_band_at(other, (near - s0) * other_rate, &other_lower, &other_upper);
    arc_at(&one, (near - t0) * rate, here);
    arc_at(&two, (near - s0) * other_rate, there);
    met->t0 = zero + rough_begin + from * length;
    met->t1 = zero + rough_begin + upto * length;
    met->nearest_t = zero + near;
    met->horizontal = sqrt(square);
    met->vertical = fmax(0.0, fmax(lower - other_upper, other_lower - upper));
    for (int i = 0; i < 3; i++) met->place[i] = 0.5 * (here[i] + there[i]);
    return 1;
}

/* ── Movers that may be early or late ────────────────────────────────────────────────────────────────────────────────
 *
 * Let u be the moment at which the plan of the first has it where it is, v the same for the second. At a true time t the
 * first may be anywhere with t - late <= u <= t + early; so for the second. The pairs (u, v) possible at one time, on
 * the legs and near enough in height form a convex polygon, those near enough on the ground an ellipse in it. Asked for
 * are where the distance is least on that polygon, and how early and how late t can be on its part within the ellipse:
 * each at a corner, on an edge, or at one known point inside. conflict/near.py is the same, on values.
 */

typedef struct {
    double u, v;
} moments;

/* All (u, v) with p u + q v <= r. */
typedef struct {
    double p, q, r;
} half_plane;

enum { MOST_CORNERS = 16, MOST_PLANES = 8 };

typedef struct {
    moments corner[MOST_CORNERS];
    int corners;
    half_plane plane[MOST_PLANES];
    int planes;
} polygon;

static void cut(moments *corner, int *corners, half_plane by) {
    moments kept[MOST_CORNERS];
    int count = 0;
    for (int k = 0; k < *corners; k++) {
        moments here = corner[k], before = corner[k ? k - 1 : *corners - 1];
        double over = by.p * here.u + by.q * here.v - by.r, over_before = by.p * before.u + by.q * before.v - by.r;
        if (count > MOST_CORNERS - 2) break; /* never of a convex one */
        if ((over > 0.0) != (over_before > 0.0)) {
            double share = over_before / (over_before - over);
            kept[count++] = (moments){before.u + share * (here.u - before.u), before.v + share * (here.v - before.v)};
        }
        if (over <= 0.0) kept[count++] = here;
    }
    for (int k = 0; k < count; k++) corner[k] = kept[k];
    *corners = count;
}

static void rule(polygon *all, double p, double q, double r) {
    all->plane[all->planes++] = (half_plane){p, q, r};
    cut(all->corner, &all->corners, (half_plane){p, q, r});
}

static int holds(const polygon *all, moments at) {
    for (int k = 0; k < all->planes; k++) {
        half_plane by = all->plane[k];
        if (by.p * at.u + by.q * at.v - by.r > 1e-9 * fmax(1.0, fmax(fabs(by.p), fabs(by.q)))) return 0;
    }
    return 1;
}

/* The distance of two movers at (u, v) is the length of c + a (u - u0) - b (v - v0). */
typedef struct {
    double u0, v0, c[3], a[3], b[3];
} apart;

static inline void change(const apart *of, double du, double dv, double d[3]) {
    for (int i = 0; i < 3; i++) d[i] = of->a[i] * du - of->b[i] * dv;
}

static inline void vector_at(const apart *of, moments at, double d[3]) {
    change(of, at.u - of->u0, at.v - of->v0, d);
    for (int i = 0; i < 3; i++) d[i] += of->c[i];
}

static inline double square_at(const apart *of, moments at) {
    double d[3];
    vector_at(of, at, d);
    return kc_dot(d, d);
}

static moments least_between(const apart *of, moments p, moments q) {
    double d[3], step[3];
    vector_at(of, p, d);
    change(of, q.u - p.u, q.v - p.v, step);
    double square = kc_dot(step, step);
    double share = square > 0.0 ? fmin(fmax(-kc_dot(d, step) / square, 0.0), 1.0) : 0.0;
    return (moments){p.u + share * (q.u - p.u), p.v + share * (q.v - p.v)};
}

static moments nearest_of(const apart *of, const polygon *all, double *square) {
    moments nearest = all->corner[0];
    *square = square_at(of, nearest);
    for (int k = 0; k <= all->corners; k++) {
        moments at;
        if (k < all->corners) {
            at = least_between(of, all->corner[k ? k - 1 : all->corners - 1], all->corner[k]);
        } else { /* where the ways cross, or pass nearest */
            double aa = kc_dot(of->a, of->a), bb = kc_dot(of->b, of->b), ab = kc_dot(of->a, of->b);
            double ac = kc_dot(of->a, of->c), bc = kc_dot(of->b, of->c), turn = aa * bb - ab * ab;
            if (!(turn > 0.0)) break;
            at = (moments){of->u0 + (ab * bc - bb * ac) / turn, of->v0 + (aa * bc - ab * ac) / turn};
            if (!holds(all, at)) break;
        }
        double here = square_at(of, at);
        if (here < *square) {
            *square = here;
            nearest = at;
        }
    }
    return nearest;
}

/* The shares of a step, on and on both ways, at which the distance is just `reach`; false if there are none. */
static int at_reach(const apart *of, moments p, double du, double dv, double reach, double share[2]) {
    double d[3], step[3];
    vector_at(of, p, d);
    change(of, du, dv, step);
    double square = kc_dot(step, step);
    if (!(square > 0.0)) return 0;
    double middle = -kc_dot(d, step) / square, miss = 0.0;
    for (int i = 0; i < 3; i++) miss += (d[i] + middle * step[i]) * (d[i] + middle * step[i]);
    if (miss > reach * reach) return 0;
    double half = sqrt((reach * reach - miss) / square);
    share[0] = middle - half;
    share[1] = middle + half;
    return 1;
}

static inline void widen(double value, double *low, double *high) {
    if (value < *low) *low = value;
    if (value > *high) *high = value;
}

/* The least and the greatest u (`second`: v) of all in the polygon, in one half of it, and within `reach`. */
static void bounds(const apart *of, const polygon *all, half_plane half, double reach, int second, double *low,
                   double *high) {
    moments part[MOST_CORNERS];
    int count = all->corners;
    for (int k = 0; k < count; k++) part[k] = all->corner[k];
    cut(part, &count, half);
    double share[2];
    for (int k = 0; k < count; k++) {
        moments q = part[k], p = part[k ? k - 1 : count - 1];
        if (square_at(of, q) <= reach * reach) widen(second ? q.v : q.u, low, high);
        if (!at_reach(of, p, q.u - p.u, q.v - p.v, reach, share)) continue;
        for (int i = 0; i < 2; i++) {
            if (share[i] < 0.0 || share[i] > 1.0) continue;
            widen(second ? p.v + share[i] * (q.v - p.v) : p.u + share[i] * (q.u - p.u), low, high);
        }
    }
    /* Where the ellipse itself has its least and greatest u, the distance does not change with v. */
    const double *fixed = second ? of->b : of->a, *free = second ? of->a : of->b;
    double square = kc_dot(free, free);
    if (!(square > 0.0)) return;
    double constant = (second ? -1.0 : 1.0) * kc_dot(free, of->c) / square, rate = kc_dot(fixed, free) / square;
    moments begin = {of->u0 + (second ? constant : 0.0), of->v0 + (second ? 0.0 : constant)};
    double du = second ? rate : 1.0, dv = second ? 1.0 : rate;
    if (!at_reach(of, begin, du, dv, reach, share)) return;
    for (int i = 0; i < 2; i++) {
        moments at = {begin.u + share[i] * du, begin.v + share[i] * dv};
        if (half.p * at.u + half.q * at.v - half.r <= 1e-9 && holds(all, at)) widen(second ? at.v : at.u, low, high);
    }
}

int kc_legs_meet_loosely(const double *leg, double early, double late, const double *other, double other_early,
                         double other_late, double across, double height, kc_met *met) {
    double zero = leg[KC_T];
    double t1 = leg[KC_NODE] - zero, s0 = other[KC_T] - zero, s1 = other[KC_NODE] - zero;
    double span = t1, other_span = s1 - s0, reach = across - KC_DEPTH_M;
    double sooner = early + other_late, later = late + other_early;
    if (!(span > 0.0) || !(other_span > 0.0) || reach <= 0.0 || s0 - t1 > later || -s1 > sooner) return 0;

    polygon all = {.corner = {{0.0, s0}, {t1, s0}, {t1, s1}, {0.0, s1}}, .corners = 4, .planes = 4};
    all.plane[0] = (half_plane){-1.0, 0.0, 0.0};
    all.plane[1] = (half_plane){1.0, 0.0, t1};
    all.plane[2] = (half_plane){0.0, -1.0, -s0};
    all.plane[3] = (half_plane){0.0, 1.0, s1};
    rule(&all, 1.0, -1.0, sooner);
    rule(&all, -1.0, 1.0, later);
    if (height < INFINITY) {
        for (int down = 0; down < 2; down++) {
            int one = down ? KC_UPPER : KC_LOWER, two = down ? KC_LOWER : KC_UPPER;
            double sign = down ? -1.0 : 1.0;
            double rate = (leg[KC_NODE + one] - leg[one]) / span;
            double other_rate = (other[KC_NODE + two] - other[two]) / other_span;
            double at_zero = leg[one] - (other[two] - other_rate * s0);
            rule(&all, sign * rate, -sign * other_rate, height - KC_DEPTH_M - sign * at_zero);
        }
    }
    if (!all.corners) return 0;

    /* Roughly, straight through the earth, and with room for how far either way may bow out of its chord. */
    apart rough = {.v0 = s0};
    for (int i = 0; i < 3; i++) {
        rough.c[i] = leg[KC_X + i] - other[KC_X + i];
        rough.a[i] = (leg[KC_NODE + KC_X + i] - leg[KC_X + i]) / span;
        rough.b[i] = (other[KC_NODE + KC_X + i] - other[KC_X + i]) / other_span;
    }
    double bow = (chord2(leg) + chord2(other)) / (8.0 * KC_LEAST_RADIUS_M), square;
    moments near = nearest_of(&rough, &all, &square);
    if (square > (reach + bow + 0.01) * (reach + bow + 0.01)) return 0;

    /* Then truly: on a plane between the two where they are nearest. */
    double here[3], there[3], middle[3], on[2], other_on[2], ends[4][2];
    kc_leg_at(leg, near.u / span, here);
    kc_leg_at(other, (near.v - s0) / other_span, there);
    for (int i = 0; i < 3; i++) middle[i] = 0.5 * (here[i] + there[i]);
    kc_plane plane;
    kc_plane_at(middle, &plane);
    kc_on_plane(&plane, here, on);
    kc_on_plane(&plane, there, other_on);
    for (int k = 0; k < 2; k++) {
        kc_on_plane(&plane, leg + KC_X + k * KC_NODE, ends[k]);
        kc_on_plane(&plane, other + KC_X + k * KC_NODE, ends[2 + k]);
    }
    apart flat = {.u0 = near.u, .v0 = near.v};
    for (int i = 0; i < 2; i++) {
        flat.c[i] = on[i] - other_on[i];
        flat.a[i] = (ends[1][i] - ends[0][i]) / span;
        flat.b[i] = (ends[3][i] - ends[2][i]) / other_span;
    }
    near = nearest_of(&flat, &all, &square);
    if (!(square < reach * reach)) return 0;

    /* How early: the later of u - early and v - early' must be least; on either side of the line where they are equal
     * one of them is the later. How late, the same the other way round. */
    double begin = fmax(near.u - early, near.v - other_early), end = fmin(near.u + late, near.v + other_late);
    double shift = early - other_early, low, high;
    low = INFINITY, high = -INFINITY;
    bounds(&flat, &all, (half_plane){-1.0, 1.0, -shift}, reach, 0, &low, &high);
    begin = fmin(begin, low - early);
    low = INFINITY, high = -INFINITY;
    bounds(&flat, &all, (half_plane){1.0, -1.0, shift}, reach, 1, &low, &high);
    begin = fmin(begin, low - other_early);
    shift = other_late - late;
    low = INFINITY, high = -INFINITY;
    bounds(&flat, &all, (half_plane){1.0, -1.0, shift}, reach, 0, &low, &high);
    end = fmax(end, high + late);
    low = INFINITY, high = -INFINITY;
    bounds(&flat, &all, (half_plane){-1.0, 1.0, -shift}, reach, 1, &low, &high);
    end = fmax(end, high + other_late);

    double share = fmin(fmax(near.u / span, 0.0), 1.0), other_share = fmin(fmax((near.v - s0) / other_span, 0.0), 1.0);
    double lower, upper, other_lower, other_upper;
    kc_band_at(leg, share, &lower, &upper);
    kc_band_at(other, other_share, &other_lower, &other_upper);
    kc_leg_at(leg, share, here);
    kc_leg_at(other, other_share, there);
    met->t0 = zero + begin;
    met->t1 = zero + end;
    met->nearest_t = zero + fmin(fmax(0.5 * (near.u + near.v), begin), end);
    met->horizontal = sqrt(square);
    met->vertical = fmax(0.0, fmax(lower - other_upper, other_lower - upper));
    for (int i = 0; i < 3; i++) met->place[i] = 0.5 * (here[i] + there[i]);
    return 1;
}
