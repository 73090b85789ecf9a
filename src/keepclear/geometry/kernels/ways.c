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

int kc_legs_meet(const double *leg, const double *other, double across, double height, kc_met *met) {
    double zero = leg[KC_T]; /* times from here on are counted from the start of the first leg, to keep them small */
    double t0 = 0.0, t1 = leg[KC_NODE] - zero, s0 = other[KC_T] - zero, s1 = other[KC_NODE] - zero;
    double begin = fmax(t0, s0), end = fmin(t1, s1);
    double reach = across - KC_DEPTH_M;
    if (!(begin < end) || reach <= 0.0) return 0;
    double span = t1 - t0, other_span = s1 - s0;

    if (height < INFINITY) {
        double lower[2], upper[2], other_lower[2], other_upper[2], at[2] = {begin, end};
        for (int k = 0; k < 2; k++) {
            kc_band_at(leg, (at[k] - t0) / span, &lower[k], &upper[k]);
            kc_band_at(other, (at[k] - s0) / other_span, &other_lower[k], &other_upper[k]);
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
    double p[2][3], q[2][3], d[2][3], at[2] = {begin, end}, square;
    for (int k = 0; k < 2; k++) {
        kc_leg_at(leg, (at[k] - t0) / span, p[k]);
        kc_leg_at(other, (at[k] - s0) / other_span, q[k]);
        for (int i = 0; i < 3; i++) d[k][i] = p[k][i] - q[k][i];
    }
    double part = (end - begin) / span, other_part = (end - begin) / other_span;
    double bow = (chord2(leg) * part * part + chord2(other) * other_part * other_part) / (8.0 * KC_LEAST_RADIUS_M);
    double share = least(d[0], d[1], 3, &square);
    double rough = reach + bow + 0.01;
    if (square > rough * rough) return 0;
    double from, upto;
    shares_within(d[0], d[1], 3, rough, share, square, &from, &upto);
    double near = begin + share * (end - begin), rough_begin = begin + from * (end - begin);
    double rough_end = begin + upto * (end - begin);

    /* Then truly: on a plane between the two where they are nearest. */
    double here[3], there[3], middle[3];
    kc_leg_at(leg, (near - t0) / span, here);
    kc_leg_at(other, (near - s0) / other_span, there);
    for (int i = 0; i < 3; i++) middle[i] = 0.5 * (here[i] + there[i]);
    kc_plane plane;
    kc_plane_at(middle, &plane);
    double flat[2][2], times[2] = {rough_begin, rough_end};
    for (int k = 0; k < 2; k++) {
        double on[2], other_on[2];
        kc_leg_at(leg, (times[k] - t0) / span, here);
        kc_leg_at(other, (times[k] - s0) / other_span, there);
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
    kc_band_at(leg, (near - t0) / span, &lower, &upper);
    kc_band_at(other, (near - s0) / other_span, &other_lower, &other_upper);
    kc_leg_at(leg, (near - t0) / span, here);
    kc_leg_at(other, (near - s0) / other_span, there);
    met->t0 = zero + rough_begin + from * length;
    met->t1 = zero + rough_begin + upto * length;
    met->nearest_t = zero + near;
    met->horizontal = sqrt(square);
    met->vertical = fmax(0.0, fmax(lower - other_upper, other_lower - upper));
    for (int i = 0; i < 3; i++) met->place[i] = 0.5 * (here[i] + there[i]);
    return 1;
}
