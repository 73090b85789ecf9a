#include "ways.h"

static inline double chord2(const double *leg) {
    double sum = 0.0;
    for (int i = 0; i < 3; i++) {
        double d = leg[KC_NODE + KC_X + i] - leg[KC_X + i];
        sum += d * d;
    }
    return sum;
}

/* ── Movers on time ──────────────────────────────────────────────────────────────────────────────────────────────────
 *
 * Written without a branch, and without an array in it, so that the compiler makes of it one pair of legs or many side
 * by side; they round alike.
 */

#define WITHIN inline __attribute__((always_inline)) /* a call would keep them from being done side by side */

typedef struct {
    double x, y, z;
} vector;

static inline vector sum_of(vector a, double share, vector b) {
    return (vector){a.x + share * b.x, a.y + share * b.y, a.z + share * b.z};
}
static inline vector minus(vector a, vector b) { return (vector){a.x - b.x, a.y - b.y, a.z - b.z}; }
static inline vector times(double share, vector a) { return (vector){share * a.x, share * a.y, share * a.z}; }
static inline double dot(vector a, vector b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static inline double least_of(double a, double b) { return a < b ? a : b; }
static inline double most_of(double a, double b) { return a > b ? a : b; }
static WITHIN vector up_at(vector p) {
    double z = p.z / (1.0 - KC_ECCENTRICITY2);
    double scale = 1.0 / sqrt(p.x * p.x + p.y * p.y + z * z);
    return (vector){p.x * scale, p.y * scale, z * scale};
}

/* A leg made ready to be asked for many places: `kc_leg_at`, its square root taken once. */
typedef struct {
    vector start, chord, lift;
    double chord2;
} arc;

static WITHIN arc arc_of(vector start, vector stop) {
    arc of;
    of.start = start;
    of.chord = minus(stop, start);
    of.chord2 = dot(of.chord, of.chord);
    of.lift = times(of.chord2 / (2.0 * KC_MEAN_RADIUS_M), up_at(sum_of(start, 0.5, of.chord)));
    return of;
}

static WITHIN vector arc_at(arc of, double share) {
    double bowed = share * (1.0 - share);
    return sum_of(sum_of(of.start, share, of.chord), bowed, of.lift);
}

/* Where the length of a vector that goes evenly from `from` to `from + step` is least, the square of it there, and the
 * part of the time in which it is at most `reach`. */
typedef struct {
    double share, square, begin, end;
} passing;

static WITHIN passing pass(vector from, vector upto, double reach) {
    vector step = minus(upto, from);
    double a = dot(step, step), b = dot(from, step), first = dot(from, from), last = dot(upto, upto);
    double reach2 = reach * reach;
    double foot = a > 0.0 ? -b / a : 0.0; /* of the perpendicular, which may lie outside */
    double share = foot < 0.0 ? 0.0 : foot;
    share = share > 1.0 ? 1.0 : share;
    vector there = sum_of(from, share, step), below = sum_of(from, foot, step);
    double miss = dot(below, below), room = a > 0.0 ? reach2 - miss : 0.0;
    double half = sqrt(room > 0.0 ? room / a : 0.0);
    passing met = {share, dot(there, there), most_of(0.0, foot - half), least_of(1.0, foot + half)};
    met.begin = first <= reach2 ? 0.0 : met.begin;
    met.end = last <= reach2 ? 1.0 : met.end;
    return met;
}

typedef struct {
    double begin, end;
    double never; /* above 0: none of it */
} stretch;

/* As kc_clip_below. */
static WITHIN stretch clip(stretch whole, double t0, double t1, double q0, double q1) {
    double zero = t0 + (t1 - t0) * (q0 / (q0 - q1));
    double begin = q1 < 0.0 ? most_of(zero, whole.begin) : whole.begin;
    double end = q1 >= 0.0 ? least_of(zero, whole.end) : whole.end;
    whole.begin = q0 >= 0.0 ? begin : whole.begin;
    whole.end = q0 < 0.0 ? end : whole.end;
    whole.never += least_of(q0, q1) >= 0.0 ? 1.0 : 0.0;
    whole.never += whole.begin < whole.end ? 0.0 : 1.0;
    return whole;
}

enum { ANSWERS = 9 };

/* Pair k of some, its figures `stride` apart: the four nodes, then across and height. Out: those of a kc_met, and above 0
 * if they do not meet. */
static WITHIN void meet(const double *restrict in, double *restrict out, int stride, int k) {
#define IN(figure) in[(figure) * stride + k]
#define AT(node) ((vector){IN((node) * KC_NODE + 1), IN((node) * KC_NODE + 2), IN((node) * KC_NODE + 3)})
    double zero = IN(0); /* times from here on are counted from the start of the first leg, to keep them small */
    double t1 = IN(KC_NODE) - zero, s0 = IN(2 * KC_NODE) - zero, s1 = IN(3 * KC_NODE) - zero;
    double across = IN(4 * KC_NODE), height = IN(4 * KC_NODE + 1);
    double reach = across - KC_DEPTH_M;
    stretch both = {s0 > 0.0 ? s0 : 0.0, t1 < s1 ? t1 : s1, reach <= 0.0 ? 1.0 : 0.0};
    both.never += both.begin < both.end ? 0.0 : 1.0;
    double rate = 1.0 / t1, other_rate = 1.0 / (s1 - s0);
    double from = both.begin, upto = both.end;

    double lower = IN(4), upper = IN(5), rises = IN(KC_NODE + 4) - lower, widens = IN(KC_NODE + 5) - upper;
    double other_lower = IN(2 * KC_NODE + 4), other_upper = IN(2 * KC_NODE + 5);
    double other_rises = IN(3 * KC_NODE + 4) - other_lower, other_widens = IN(3 * KC_NODE + 5) - other_upper;
    double share0 = from * rate, share1 = upto * rate;
    double other0 = (from - s0) * other_rate, other1 = (upto - s0) * other_rate;
    double enough = height - KC_DEPTH_M; /* infinite: all below */
    both = clip(both, from, upto,
                lower + share0 * rises - (other_upper + other0 * other_widens) - enough,
                lower + share1 * rises - (other_upper + other1 * other_widens) - enough);
    both = clip(both, from, upto,
                other_lower + other0 * other_rises - (upper + share0 * widens) - enough,
                other_lower + other1 * other_rises - (upper + share1 * widens) - enough);
    double begin = both.begin, end = both.end;

    /* Roughly, straight through the earth, and with room for how far either way may bow out of its chord. */
    arc one = arc_of(AT(0), AT(1)), two = arc_of(AT(2), AT(3));
    double part = (end - begin) * rate, other_part = (end - begin) * other_rate;
    double bow = (one.chord2 * part * part + two.chord2 * other_part * other_part) / (8.0 * KC_LEAST_RADIUS_M);
    double rough = reach + bow + 0.01;
    passing near = pass(minus(arc_at(one, begin * rate), arc_at(two, (begin - s0) * other_rate)),
                        minus(arc_at(one, end * rate), arc_at(two, (end - s0) * other_rate)), rough);
    double never = both.never + (near.square > rough * rough ? 1.0 : 0.0);
    double when = begin + near.share * (end - begin), rough_begin = begin + near.begin * (end - begin);
    double rough_end = begin + near.end * (end - begin);

    /* Then truly: on a plane between the two where they are nearest. As kc_plane_at and kc_on_plane. */
    vector here = arc_at(one, when * rate), there = arc_at(two, (when - s0) * other_rate);
    vector origin = times(0.5, sum_of(here, 1.0, there)), up = up_at(origin);
    double off = sqrt(up.x * up.x + up.y * up.y);
    double ex = off > 1e-12 ? -up.y / off : 1.0, ey = off > 1e-12 ? up.x / off : 0.0;
    vector north = {-up.z * ey, up.z * ex, up.x * ey - up.y * ex};
    double flat = 1.0 - KC_ECCENTRICITY2 * up.z * up.z, across_radius2 = KC_MAJOR_M * KC_MAJOR_M / flat;
    double along_radius = KC_MAJOR_M * (1.0 - KC_ECCENTRICITY2) / (flat * sqrt(flat));
    double east_bend = 1.0 / (6.0 * across_radius2), north_bend = 1.0 / (6.0 * along_radius * along_radius);
#define ON(name, place)                                                                                                \
    vector name##_d = minus(place, origin);                                                                            \
    double name##_x = name##_d.x * ex + name##_d.y * ey, name##_y = dot(name##_d, north);                              \
    double name##_b = name##_x * name##_x * east_bend + name##_y * name##_y * north_bend;                              \
    double name##_l = 1.0 + name##_b * (1.0 + 2.7 * name##_b);
    ON(a0, arc_at(one, rough_begin * rate))
    ON(b0, arc_at(two, (rough_begin - s0) * other_rate))
    ON(a1, arc_at(one, rough_end * rate))
    ON(b1, arc_at(two, (rough_end - s0) * other_rate))
    near = pass((vector){a0_x * a0_l - b0_x * b0_l, a0_y * a0_l - b0_y * b0_l, 0.0},
                (vector){a1_x * a1_l - b1_x * b1_l, a1_y * a1_l - b1_y * b1_l, 0.0}, reach);
    never += near.square < reach * reach ? 0.0 : 1.0;
    double length = rough_end - rough_begin;
    when = rough_begin + near.share * length;
    double share = when * rate, other_share = (when - s0) * other_rate;
    lower = lower + share * rises;
    upper = upper + share * widens;
    other_lower = other_lower + other_share * other_rises;
    other_upper = other_upper + other_share * other_widens;
    here = arc_at(one, share);
    there = arc_at(two, other_share);
    out[0 * stride + k] = zero + rough_begin + near.begin * length;
    out[1 * stride + k] = zero + rough_begin + near.end * length;
    out[2 * stride + k] = zero + when;
    out[3 * stride + k] = sqrt(near.square);
    out[4 * stride + k] = most_of(0.0, most_of(lower - other_upper, other_lower - upper));
    out[5 * stride + k] = 0.5 * (here.x + there.x);
    out[6 * stride + k] = 0.5 * (here.y + there.y);
    out[7 * stride + k] = 0.5 * (here.z + there.z);
    out[8 * stride + k] = never;
#undef IN
#undef AT
#undef ON
}

int kc_legs_meet(const double *leg, const double *other, double across, double height, kc_met *met) {
    double in[KC_PAIR_FIGURES], out[ANSWERS];
    for (int i = 0; i < 2 * KC_NODE; i++) {
        in[i] = leg[i];
        in[2 * KC_NODE + i] = other[i];
    }
    in[4 * KC_NODE] = across;
    in[4 * KC_NODE + 1] = height;
    meet(in, out, 1, 0);
    *met = (kc_met){out[0], out[1], out[2], out[3], out[4], {out[5], out[6], out[7]}};
    return out[8] == 0.0;
}

int kc_legs_meet_many(const kc_leg_pairs *pairs, kc_met met[KC_LANES]) {
    double out[ANSWERS][KC_LANES];
    const double *in = pairs->figures[0];
    int bits = 0;
#pragma GCC unroll 1 /* else it is unrolled before it is made wide, and stays narrow */
    for (int k = 0; k < KC_LANES; k++) meet(in, out[0], KC_LANES, k);
    for (int k = 0; k < KC_LANES; k++) {
        if (out[8][k] > 0.0) continue;
        met[k] = (kc_met){out[0][k], out[1][k], out[2][k], out[3][k], out[4][k], {out[5][k], out[6][k], out[7][k]}};
        bits |= 1 << k;
    }
    return bits;
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
